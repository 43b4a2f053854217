#include "bgp/rib/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "bgp/rib/change_queue.h"

namespace sextant::bgp {
namespace {

constexpr std::uint64_t kSeed = 42;

RouteKey key(std::uint32_t number, std::uint8_t length = 64) {
  std::array<std::uint8_t, 16> bytes{0x20, 0x01};
  for (unsigned i = 0; i < 4; ++i) bytes[4 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return RouteKey::make(bytes, length);
}

Path path(std::uint16_t peer, std::uint32_t attributes = 0) {
  return {.attributes = AttributeId{attributes}, .peer = PeerId{peer}};
}

std::vector<std::uint16_t> peers(const RouteTable& table, EntryId entry) {
  std::vector<std::uint16_t> all;
  for (const auto& one : table.paths(entry)) all.push_back(static_cast<std::uint16_t>(one.peer));
  return all;
}

TEST(RouteTable, FindsWhatWasAddedAndNothingElse) {
  RouteTable table(16, kSeed);
  EXPECT_FALSE(table.find(key(1)));
  const auto entry = table.find_or_add(key(1));
  EXPECT_EQ(table.find_or_add(key(1)), entry);
  EXPECT_EQ(table.find(key(1)), entry);
  EXPECT_FALSE(table.find(key(1, 63))) << "the length is part of the key";
  EXPECT_EQ(table.key(entry), key(1));
  EXPECT_EQ(table.size(), 1U);
}

TEST(RouteTable, KeepsTheOrderOfPathsFromNoneToManyAndBack) {
  RouteTable table(16, kSeed);
  const auto entry = table.find_or_add(key(1));
  for (std::uint16_t i = 1; i <= 5; ++i) EXPECT_EQ(table.add_path(entry, path(i)), i - 1U);
  table.set_best(entry, 3);
  EXPECT_EQ(peers(table, entry), (std::vector<std::uint16_t>{4, 2, 3, 1, 5}));
  table.remove_path(entry, 2);
  EXPECT_TRUE(table.has_best(entry));
  EXPECT_EQ(peers(table, entry), (std::vector<std::uint16_t>{4, 2, 1, 5}));
  table.remove_path(entry, 0);
  EXPECT_FALSE(table.has_best(entry));
  table.remove_path(entry, 2);
  EXPECT_EQ(peers(table, entry), (std::vector<std::uint16_t>{2, 1}));
  table.remove_path(entry, 0);
  table.remove_path(entry, 0);
  EXPECT_TRUE(table.paths(entry).empty());
}

TEST(RouteTable, PinnedEntriesOutliveTheirPaths) {
  RouteTable table(16, kSeed);
  const auto entry = table.find_or_add(key(1));
  table.pin(entry);
  table.release_if_unused(entry);
  EXPECT_EQ(table.find(key(1)), entry);
  table.unpin(entry);
  table.release_if_unused(entry);
  EXPECT_FALSE(table.find(key(1)));
}

TEST(RouteTable, GivesItsMemoryBackWithTheLastEntry) {
  RouteTable table(16, kSeed);
  std::vector<EntryId> entries;
  for (std::uint32_t i = 0; i < 10000; ++i) entries.push_back(table.find_or_add(key(i)));
  EXPECT_LT(table.memory(), 10000U * 60 + 4096 * 60);
  for (const auto entry : entries) table.release_if_unused(entry);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.memory(), 0U);
  EXPECT_EQ(table.key(table.find_or_add(key(7))), key(7)) << "it is of use again";
}

TEST(RouteTable, BehavesLikeAMapUnderRandomChanges) {
  RouteTable table(16, kSeed);
  std::map<std::uint32_t, std::vector<std::uint16_t>> model;
  std::mt19937 random(1);
  for (int i = 0; i < 50000; ++i) {
    const auto number = static_cast<std::uint32_t>(random() % 400);
    const auto peer = static_cast<std::uint16_t>(random() % 6);
    auto& expected = model[number];
    const auto entry = table.find_or_add(key(number));
    const auto own = std::ranges::find(expected, peer);
    if (own == expected.end()) {
      table.add_path(entry, path(peer));
      expected.push_back(peer);
    } else {
      table.remove_path(entry, static_cast<std::size_t>(own - expected.begin()));
      expected.erase(own);
    }
    ASSERT_EQ(peers(table, entry), expected);
    table.release_if_unused(entry);
    if (expected.empty()) model.erase(number);
    ASSERT_EQ(table.size(), model.size());
  }
}

std::vector<EntryId> taken(ChangeQueue& queue, std::size_t limit = 1000) {
  std::vector<EntryId> out;
  queue.take(limit, out);
  return out;
}

TEST(ChangeQueue, TellsEachChangeOnceUntilItIsTaken) {
  RouteTable table(16, kSeed);
  ChangeQueue queue(table, ChangeQueue::Interest::kBest);
  const auto entry = table.find_or_add(key(1));
  const auto other = table.find_or_add(key(2));
  queue.touch(entry, true);
  queue.touch(other, true);
  queue.touch(entry, true);
  queue.touch(other, false);
  EXPECT_EQ(taken(queue, 1), std::vector{entry});
  queue.touch(entry, true);
  EXPECT_EQ(taken(queue), (std::vector{other, entry}));
  EXPECT_TRUE(queue.empty());
}

// A peer whose routes flap for good keeps it from ever being empty.
TEST(ChangeQueue, TakesNoMoreMemoryTheLongerItIsNotEmpty) {
  constexpr std::uint32_t kRoutes = 3000;
  RouteTable table(16, kSeed);
  ChangeQueue queue(table, ChangeQueue::Interest::kBest);
  std::vector<EntryId> entries;
  for (std::uint32_t i = 0; i < kRoutes; ++i) entries.push_back(table.find_or_add(key(i)));
  for (const auto entry : entries) queue.touch(entry, true);
  std::vector<std::uint32_t> told(kRoutes);
  for (int round = 0; round < 300; ++round) {
    for (const auto entry : taken(queue)) {
      ++told[static_cast<std::uint32_t>(entry)];
      queue.touch(entry, true);
      queue.done(entry);
    }
    ASSERT_EQ(queue.size(), kRoutes);
  }
  EXPECT_LE(queue.memory(), 4 * kRoutes * sizeof(EntryId));
  EXPECT_EQ(std::ranges::count(told, 100U), kRoutes) << "each in its turn";
}

TEST(ChangeQueue, OnlyOneForAllPathsHearsOfOtherThanBestOnes) {
  RouteTable table(16, kSeed);
  ChangeQueue best(table, ChangeQueue::Interest::kBest);
  ChangeQueue all(table, ChangeQueue::Interest::kAllPaths);
  const auto entry = table.find_or_add(key(1));
  best.touch(entry, false);
  all.touch(entry, false);
  EXPECT_TRUE(best.empty());
  EXPECT_EQ(taken(all), std::vector{entry});
}

TEST(ChangeQueue, ADestinationThatIsGoneIsStillReported) {
  RouteTable table(16, kSeed);
  ChangeQueue queue(table, ChangeQueue::Interest::kBest);
  const auto entry = table.find_or_add(key(1));
  queue.touch(entry, true);
  table.release_if_unused(entry);
  const auto changes = taken(queue);
  ASSERT_EQ(changes, std::vector{entry});
  EXPECT_EQ(table.key(entry), key(1));
  queue.done(entry);
  EXPECT_EQ(table.size(), 0U);
}

TEST(ChangeQueue, AWalkFindsWhatWasThereAndTheQueueWhatComesLater) {
  RouteTable table(16, kSeed);
  std::vector<EntryId> there;
  for (std::uint32_t i = 0; i < 5; ++i) {
    there.push_back(table.find_or_add(key(i)));
    table.add_path(there.back(), path(1));
  }
  ChangeQueue queue(table, ChangeQueue::Interest::kBest);
  queue.touch_all();
  auto seen = taken(queue, 2);
  const auto later = table.find_or_add(key(99));
  table.add_path(later, path(1));
  queue.touch(later, true);
  EXPECT_TRUE(queue.walking());
  for (const auto entry : taken(queue)) seen.push_back(entry);
  EXPECT_TRUE(queue.empty());
  there.push_back(later);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, there);
}

}  // namespace
}  // namespace sextant::bgp
