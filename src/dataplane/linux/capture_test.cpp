#include "dataplane/linux/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace sextant::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

std::vector<std::string> text(const auto& prefixes) {
  std::vector<std::string> texts;
  for (const auto& each : prefixes) texts.push_back(each.to_string());
  return texts;
}

CaptureSet of(std::initializer_list<std::string_view> members) {
  CaptureSet set;
  for (const auto member : members) set.insert(prefix(member));
  return set;
}

// What take_change() tells, done as a data plane does it.
class Replay {
 public:
  void follow(CaptureSet& captures) {
    const auto change = captures.take_change();
    for (const auto& added : change.added) {
      EXPECT_TRUE(installed_.insert(added).second) << added.to_string() << " is there already";
    }
    for (const auto& removed : change.removed) {
      EXPECT_EQ(installed_.erase(removed), 1U) << removed.to_string() << " was never there";
      EXPECT_FALSE(change.added.contains(removed)) << removed.to_string() << " comes and goes";
    }
  }
  [[nodiscard]] const std::set<IpPrefix>& installed() const { return installed_; }

 private:
  std::set<IpPrefix> installed_;
};

TEST(CaptureSet, SiblingsBecomeTheirParentAndOnlySiblingsDo) {
  EXPECT_THAT(text(of({"10.0.0.0/25", "10.0.0.128/25"}).aggregate()), ElementsAre("10.0.0.0/24"));
  EXPECT_THAT(text(of({"10.0.0.128/25", "10.0.1.0/25"}).aggregate()),
              UnorderedElementsAre("10.0.0.128/25", "10.0.1.0/25"))
      << "neighbors with different parents";
  EXPECT_THAT(text(of({"10.0.0.0/24", "10.0.1.0/25"}).aggregate()),
              UnorderedElementsAre("10.0.0.0/24", "10.0.1.0/25"));
}

TEST(CaptureSet, FamiliesDoNotMix) {
  EXPECT_THAT(text(of({"0.0.0.0/1", "::/1"}).aggregate()),
              UnorderedElementsAre("0.0.0.0/1", "::/1"));
  EXPECT_THAT(text(of({"0.0.0.0/1", "128.0.0.0/1"}).aggregate()), ElementsAre("0.0.0.0/0"));
  EXPECT_THAT(text(of({"::/1", "8000::/1"}).aggregate()), ElementsAre("::/0"));
}

TEST(CaptureSet, HostPrefixesAggregate) {
  EXPECT_THAT(text(of({"10.0.0.0/32", "10.0.0.1/32"}).aggregate()), ElementsAre("10.0.0.0/31"));
  EXPECT_THAT(text(of({"fd00::/128", "fd00::1/128"}).aggregate()), ElementsAre("fd00::/127"));
}

TEST(CaptureSet, ABlockOfBlocksIsOnePrefix) {
  CaptureSet captures;
  Replay replay;
  std::vector<IpPrefix> blocks;
  for (unsigned i = 0; i < 1024; ++i) {
    const Ipv4Address start(
        {172, 16, static_cast<std::uint8_t>(i / 4), static_cast<std::uint8_t>(i % 4 * 64)});
    blocks.emplace_back(start, std::uint8_t{26});
  }
  std::ranges::shuffle(blocks, std::mt19937(7));
  for (const auto& block : blocks) captures.insert(block);
  EXPECT_THAT(text(captures.aggregate()), ElementsAre("172.16.0.0/16"));
  EXPECT_THAT(text(captures.take_change().added), ElementsAre("172.16.0.0/16"));

  captures.erase(prefix("172.16.0.64/26"));
  EXPECT_EQ(captures.aggregate().size(), 10U) << "one prefix of each length from /17 to /26";
  const auto hole = captures.take_change();
  EXPECT_EQ(hole.added.size(), 10U);
  EXPECT_THAT(text(hole.removed), ElementsAre("172.16.0.0/16"));

  captures.insert(prefix("172.16.0.64/26"));
  const auto filled = captures.take_change();
  EXPECT_THAT(text(filled.added), ElementsAre("172.16.0.0/16"));
  EXPECT_EQ(filled.removed, hole.added);
}

TEST(CaptureSet, WhatComesAndGoesBetweenTwoLooksIsNoChange) {
  auto captures = of({"10.0.0.0/25"});
  (void)captures.take_change();
  captures.insert(prefix("10.0.0.128/25"));
  captures.erase(prefix("10.0.0.128/25"));
  captures.erase(prefix("10.0.0.0/25"));
  captures.insert(prefix("10.0.0.0/25"));
  const auto change = captures.take_change();
  EXPECT_THAT(change.added, IsEmpty());
  EXPECT_THAT(change.removed, IsEmpty());
}

TEST(CaptureSet, InsertingAndErasingTwiceIsOnce) {
  auto captures = of({"10.0.0.0/24", "10.0.0.0/24"});
  EXPECT_THAT(text(captures.take_change().added), ElementsAre("10.0.0.0/24"));
  captures.insert(prefix("10.0.0.0/24"));
  EXPECT_THAT(captures.take_change().added, IsEmpty());
  captures.erase(prefix("10.0.0.0/24"));
  captures.erase(prefix("10.0.0.0/24"));
  captures.erase(prefix("10.9.0.0/24"));
  EXPECT_THAT(text(captures.take_change().removed), ElementsAre("10.0.0.0/24"));
  EXPECT_THAT(captures.aggregate(), IsEmpty());
}

TEST(CaptureSet, AMemberIsThatAlsoInsideOfAnother) {
  auto captures = of({"10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25"});
  EXPECT_THAT(text(captures.aggregate()), ElementsAre("10.0.0.0/24"));
  captures.erase(prefix("10.0.0.0/24"));
  EXPECT_THAT(text(captures.aggregate()), ElementsAre("10.0.0.0/24")) << "both halves still are";
  captures.erase(prefix("10.0.0.0/25"));
  EXPECT_THAT(text(captures.aggregate()), ElementsAre("10.0.0.128/25"));
}

// Random members of a space of 2^kBits addresses: few enough to compare each one.
class RandomMembers : public ::testing::TestWithParam<std::tuple<IpPrefix, unsigned>> {
 protected:
  static constexpr unsigned kBits = 8;

  [[nodiscard]] IpPrefix member(std::mt19937& random) const {
    const auto& space = std::get<0>(GetParam());
    const auto below = std::uniform_int_distribution<unsigned>(0, kBits)(random);
    const auto offset = std::uniform_int_distribution<unsigned>(0, (1U << kBits) - 1)(random);
    // Spaces lie at the end of the address, so that an offset is an address.
    return {*space.at(offset), static_cast<std::uint8_t>(space.length() + below)};
  }

  [[nodiscard]] std::vector<unsigned> covered(const auto& prefixes) const {
    const auto& space = std::get<0>(GetParam());
    std::vector<unsigned> times(1U << kBits);
    for (const IpPrefix& each : prefixes) {
      const unsigned first = each.address().bytes().back();
      const unsigned size = 1U << (space.length() + kBits - each.length());
      for (unsigned i = first; i < first + size; ++i) ++times.at(i);
    }
    return times;
  }
};

TEST_P(RandomMembers, AreCoveredExactlyAndTheChangesLeadThere) {
  std::mt19937 random(std::get<1>(GetParam()));
  CaptureSet captures;
  std::set<IpPrefix> members;
  Replay replay;
  for (int step = 0; step < 600; ++step) {
    // Grows, shrinks, grows, shrinks.
    const bool growing = step / 150 % 2 == 0;
    const bool inserting = std::uniform_int_distribution(0, 9)(random) < (growing ? 7 : 3);
    if (inserting || members.empty()) {
      const auto chosen = member(random);
      captures.insert(chosen);
      members.insert(chosen);
    } else {
      const auto at = std::uniform_int_distribution<std::size_t>(0, members.size() - 1)(random);
      const auto chosen = *std::next(members.begin(), static_cast<std::ptrdiff_t>(at));
      captures.erase(chosen);
      members.erase(chosen);
    }
    const auto aggregate = captures.aggregate();
    const auto by_members = covered(members), by_aggregate = covered(aggregate);
    for (unsigned i = 0; i < by_members.size(); ++i) {
      ASSERT_EQ(by_members[i] != 0, by_aggregate[i] != 0) << "step " << step << " address " << i;
      ASSERT_LE(by_aggregate[i], std::max(by_members[i], 1U)) << "step " << step;
    }
    if (step % 3 == 0) {  // several edits may fall between two looks
      replay.follow(captures);
      ASSERT_EQ(replay.installed(), std::set<IpPrefix>(aggregate.begin(), aggregate.end()));
    }
    if (HasFailure()) return;
  }
  for (const auto& each : members) captures.erase(each);
  replay.follow(captures);
  EXPECT_THAT(replay.installed(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(CaptureSet, RandomMembers,
                         ::testing::Combine(::testing::Values(prefix("10.1.2.0/24"),
                                                              prefix("fd00:1:2::ff00/120")),
                                            ::testing::Range(1U, 6U)));

}  // namespace
}  // namespace sextant::dataplane
