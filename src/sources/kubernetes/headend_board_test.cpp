#include "sources/kubernetes/headend_board.h"

#include <gmock/gmock.h>

#include "sources/kubernetes/agenda.h"

namespace sextant::kubernetes {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class HeadendBoardTest : public ::testing::Test {
 protected:
  HeadendBoardTest() {
    for (const auto* name : {"n1", "n2", "n3"}) nodes_[name] = {.name = name};
    board_.set_nodes(nodes_);
  }
  HeadendReport::Entry entry(const std::string& policy, std::uint32_t generation,
                             bool programmed = true) {
    return {.policy = board_.names().number(policy),
            .uid = 7,
            .generation = generation,
            .programmed = programmed};
  }
  void take(const std::string& node, std::vector<HeadendReport::Entry> entries) {
    std::ranges::sort(entries);
    HeadendReport report{.entries = std::move(entries)};
    for (const auto& each : report.entries)
      if (!each.programmed) report.trouble[each.policy] = {"DataPlane", why_};
    board_.take(node, &report);
  }
  std::vector<std::string> changed() {
    std::vector<std::string> names;
    for (const auto policy : board_.take_changed()) names.push_back(board_.names().name(policy));
    return names;
  }
  std::string said(const std::string& policy, const std::string& node) {
    const auto headend = board_.find(node);
    if (!headend) return "nobody";
    const auto number = board_.names().number(policy);
    const auto* word = board_.said(number, *headend);
    if (word == nullptr) return "nothing";
    const auto* trouble = board_.trouble(number, *headend);
    return std::to_string(word->generation) + (word->programmed ? "" : " failed") +
           (trouble == nullptr ? "" : ": " + trouble->message);
  }

  NodesByName nodes_;
  HeadendBoard board_;
  std::string why_ = "EEXIST";
};

TEST_F(HeadendBoardTest, TellsOfWhichPoliciesAnybodySaysSomethingElse) {
  take("n1", {entry("gold", 1), entry("iron", 1), entry("lead", 1, false)});
  EXPECT_THAT(changed(), UnorderedElementsAre("gold", "iron", "lead"));
  take("n2", {entry("gold", 1)});
  take("n3", {entry("gold", 1)});
  EXPECT_THAT(changed(), ElementsAre("gold")) << "once";
  why_ = "ENOMEM";
  take("n1", {entry("gold", 1), entry("iron", 2), entry("lead", 1, false)});
  EXPECT_THAT(changed(), UnorderedElementsAre("iron", "lead"));
  take("n1", {entry("gold", 1), entry("iron", 2), entry("lead", 1, false)});
  EXPECT_THAT(changed(), IsEmpty());
  EXPECT_EQ(said("iron", "n1"), "2");
  EXPECT_EQ(said("lead", "n1"), "1 failed: ENOMEM");
  EXPECT_EQ(said("iron", "n2"), "nothing");
  take("n1", {entry("gold", 1)});
  EXPECT_THAT(changed(), UnorderedElementsAre("iron", "lead"));
  EXPECT_EQ(said("lead", "n1"), "nothing");
}

TEST_F(HeadendBoardTest, KnowsWhoSpeaks) {
  EXPECT_THAT(board_.speakers(), IsEmpty());
  take("n3", {});
  take("n1", {entry("gold", 1)});
  EXPECT_TRUE(board_.take_speakers_changed());
  EXPECT_FALSE(board_.take_speakers_changed());
  EXPECT_THAT(board_.speakers(), ElementsAre(*board_.find("n1"), *board_.find("n3")));
  take("n1", {entry("gold", 2)});
  EXPECT_FALSE(board_.take_speakers_changed()) << "it speaks as before";
  (void)changed();
  board_.take("n1", nullptr);
  EXPECT_TRUE(board_.take_speakers_changed());
  EXPECT_THAT(changed(), ElementsAre("gold"));
  EXPECT_THAT(board_.speakers(), ElementsAre(*board_.find("n3")));
}

TEST_F(HeadendBoardTest, NoticesNodesThatComeGoOrGetOtherLabelsAndAddresses) {
  EXPECT_FALSE(board_.set_nodes(nodes_));
  nodes_["n1"].labels["site"] = "east";
  EXPECT_TRUE(board_.set_nodes(nodes_));
  nodes_["n1"].pod_prefixes.push_back({});
  EXPECT_FALSE(board_.set_nodes(nodes_)) << "no matter of policies'";
  const auto address = IpAddress::parse("fd00::1").value();
  nodes_["n2"].addresses = {address};
  EXPECT_TRUE(board_.set_nodes(nodes_));
  EXPECT_EQ(board_.find(address), board_.find("n2"));
  nodes_.erase("n2");
  nodes_["n4"] = {.name = "n4"};
  EXPECT_TRUE(board_.set_nodes(nodes_));
  EXPECT_EQ(board_.find(address), std::nullopt);
  EXPECT_EQ(board_.find("n2"), std::nullopt);
}

/// Nodes that come and go for ever take no more room: their numbers are given again, clean.
TEST_F(HeadendBoardTest, GivesNumbersOfTheGoneAgain) {
  take("n2", {entry("gold", 5)});
  const auto number = board_.find("n2");
  nodes_.erase("n2");
  board_.set_nodes(nodes_);
  EXPECT_EQ(board_.find("n2"), number) << "its agent's word is still there";
  board_.take("n2", nullptr);
  nodes_["n9"] = {.name = "n9"};
  board_.set_nodes(nodes_);
  EXPECT_EQ(board_.find("n2"), std::nullopt);
  nodes_["n8"] = {.name = "n8"};
  board_.set_nodes(nodes_);
  EXPECT_EQ(board_.find("n8"), number);
  EXPECT_EQ(said("gold", "n8"), "nothing");
}

TEST_F(HeadendBoardTest, ManyEditsOfAPolicyKeepItsVersionsApart) {
  for (std::uint32_t generation = 1; generation < 200'000; ++generation) {
    take(generation % 2 == 0 ? "n1" : "n2", {entry("gold", generation)});
    if (generation % 5000 == 0) {
      ASSERT_EQ(said("gold", "n1"), std::to_string(generation));
      ASSERT_EQ(said("gold", "n2"), std::to_string(generation - 1));
    }
  }
}

/// Whoever makes policies under ever new names must not make the leader grow.
TEST_F(HeadendBoardTest, HoldsNothingForPoliciesThatAreGone) {
  for (int i = 0; i < 100; ++i)
    for (const auto* node : {"n1", "n2", "n3"}) take(node, {entry("p" + std::to_string(i), 1)});
  EXPECT_LE(board_.held(), nodes_.size());
  EXPECT_EQ(said("p99", "n3"), "1");
  for (const auto* node : {"n1", "n2", "n3"}) take(node, {});
  EXPECT_EQ(board_.held(), 0U);
  EXPECT_EQ(said("p99", "n3"), "nothing");
  take("n2", {entry("p5", 2)});
  EXPECT_EQ(said("p5", "n2"), "2");
  EXPECT_EQ(said("p5", "n1"), "nothing");
}

using Rank = Agenda::Rank;

TEST(AgendaTest, IsAboutEachAtOnceAndThenOnceASecond) {
  const auto begin = Agenda::Clock::now();
  Agenda agenda;
  EXPECT_EQ(agenda.next(), Agenda::Clock::time_point::max());
  agenda.add(1, Rank::kAwaited, begin);
  agenda.add(2, Rank::kAwaited, begin);
  agenda.add(1, Rank::kAwaited, begin + milliseconds(5));
  EXPECT_EQ(agenda.take(begin), 1U);
  EXPECT_EQ(agenda.take(begin), 2U);
  EXPECT_EQ(agenda.take(begin), std::nullopt);
  agenda.add(1, Rank::kAwaited, begin + milliseconds(10));
  EXPECT_EQ(agenda.next(), begin + Agenda::kBetweenLooksAtOne);
  EXPECT_EQ(agenda.take(begin + milliseconds(999)), std::nullopt);
  EXPECT_EQ(agenda.take(begin + milliseconds(1000)), 1U);
  agenda.forget(1);
  agenda.add(1, Rank::kAwaited, begin + milliseconds(1001));
  EXPECT_EQ(agenda.take(begin + milliseconds(1001)), 1U) << "another one of that name";
}

TEST(AgendaTest, PutsWhatSomebodyWaitsForBeforeTheRest) {
  const auto begin = Agenda::Clock::now();
  Agenda agenda;
  for (Agenda::Number policy = 0; policy < 100; ++policy) agenda.add(policy, Rank::kOther, begin);
  agenda.add(70, Rank::kAwaited, begin + milliseconds(5));
  agenda.add(70, Rank::kOther, begin + milliseconds(6));
  const auto later = begin + milliseconds(10);
  EXPECT_EQ(agenda.take(later), 70U);
  EXPECT_EQ(agenda.take(later), 0U);
  agenda.add(0, Rank::kAwaited, later);
  EXPECT_EQ(agenda.take(later + milliseconds(1)), 1U) << "not twice within a second";
  EXPECT_EQ(agenda.take(later + milliseconds(1000)), 0U);
}

TEST(AgendaTest, TriesAgainLaterAndLater) {
  const auto begin = Agenda::Clock::now();
  Agenda agenda;
  std::vector<milliseconds> delays;
  for (int i = 0; i < 8; ++i) {
    agenda.retry(1, begin);
    delays.push_back(std::chrono::duration_cast<milliseconds>(agenda.next() - begin));
    EXPECT_EQ(agenda.take(agenda.next()), 1U);
  }
  EXPECT_EQ(delays[0], milliseconds(1000));
  EXPECT_EQ(delays[1], milliseconds(2000));
  EXPECT_EQ(delays[7], milliseconds(60'000));
  agenda.succeeded(1);
  agenda.retry(1, begin);
  EXPECT_EQ(agenda.next(), begin + milliseconds(1000));
}

}  // namespace
}  // namespace sextant::kubernetes
