#include "sources/kubernetes/policy_summary.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace sextant::kubernetes {
namespace {

using overlay::Policy;

const Time kEarlier = *parse_rfc3339("2026-01-01T00:00:00Z");
const Time kNow = *parse_rfc3339("2026-01-02T00:00:00Z");
const std::string kUid = "1a2b3c4d-0000-4000-8000-000000000000";

class PolicySummaryTest : public ::testing::Test {
 protected:
  PolicySummaryTest() {
    for (const auto* name : {"n1", "n2", "n3"}) {
      overlay::Node node{.name = name};
      node.addresses = {IpAddress::parse("fd00::" + node.name.substr(1)).value()};
      nodes_.emplace(name, node);
    }
    nodes_["router"] = {.name = "router"};
    object_.policies = {
        Policy{.key = {"SRv6Policy", "gold"}, .endpoint = std::string("n3"), .color = {4}}};
  }

  void report(const std::string& node, std::int64_t generation, bool programmed,
              Trouble trouble = {}, const std::string& uid = kUid) {
    HeadendReport report;
    report.entries = {{.policy = gold_,
                       .uid = uid_number(uid),
                       .generation = static_cast<std::uint32_t>(generation),
                       .programmed = programmed}};
    if (!programmed) report.trouble[gold_] = std::move(trouble);
    board_.take(node, &report);
  }
  void report_nothing(const std::string& node) {
    const HeadendReport nothing;
    board_.take(node, &nothing);
  }

  [[nodiscard]] PolicySummary summary(Time time = kNow) {
    board_.set_nodes(nodes_);
    return summarize(object_, gold_, board_, time);
  }
  [[nodiscard]] static std::string state(const PolicySummary& summary, const char* type) {
    const auto* condition = find_condition(summary.conditions, type);
    return std::string(to_string(condition->status)) + " " + condition->reason;
  }

  NodesByName nodes_;
  HeadendBoard board_;
  std::uint32_t gold_ = board_.names().number("gold");
  PolicyObject object_{.name = "gold", .version = {.uid = kUid, .generation = 2}};
};

TEST_F(PolicySummaryTest, IsReadyWhenEachHeadendButTheEndpointHasThisGeneration) {
  report("n1", 2, true);
  report("n2", 2, true);
  report_nothing("n3");
  const auto found = summary();
  EXPECT_EQ(state(found, "Accepted"), "True Accepted");
  EXPECT_EQ(state(found, "Ready"), "True Programmed");
  EXPECT_EQ(found.headends, 2U);
  EXPECT_EQ(found.ready, 2U);
  EXPECT_EQ(found.observed_generation, 2);
  EXPECT_EQ(find_condition(found.conditions, "Ready")->observed_generation, 2);
}

TEST_F(PolicySummaryTest, WaitsForTheHeadendThatHasReportedAnEarlierGenerationOnly) {
  report("n1", 2, true);
  report("n2", 1, true);
  const auto found = summary();
  EXPECT_EQ(state(found, "Ready"), "False Pending");
  ASSERT_EQ(found.not_ready.size(), 1U);
  EXPECT_EQ(found.not_ready[0].node, "n2");
  EXPECT_EQ(found.not_ready[0].trouble.reason, "NotReported");
}

TEST_F(PolicySummaryTest, DoesNotTakeTheReportOfADeletedObjectOfThatNameForItsOwn) {
  report("n1", 2, true);
  report("n2", 2, true, {}, "99999999-0000-4000-8000-000000000000");
  EXPECT_EQ(state(summary(), "Ready"), "False Pending");
}

TEST_F(PolicySummaryTest, TellsWhichHeadendsFailedAndWhy) {
  report("n1", 2, true);
  report("n2", 2, false, {"NoValidPath", "segment list 1: 'r9' is nobody's name"});
  const auto found = summary();
  EXPECT_EQ(state(found, "Ready"), "False PartiallyProgrammed");
  EXPECT_EQ(find_condition(found.conditions, "Ready")->message,
            "on 1 of 2 headends: n2: segment list 1: 'r9' is nobody's name");
  report("n1", 2, false, {"DataPlane", ""});
  EXPECT_EQ(state(summary(), "Ready"), "False Failed");
}

TEST_F(PolicySummaryTest, CountsANamedHeadendWithoutAnAgentAndLeavesRoutersOutOthers) {
  report("n1", 2, true);
  EXPECT_EQ(summary().headends, 1U) << "no agent has spoken for n2 and the router";
  object_.policies[0].headend.names = {"n1", "n2"};
  const auto found = summary();
  EXPECT_EQ(found.headends, 2U);
  EXPECT_EQ(state(found, "Ready"), "False Pending");
  EXPECT_EQ(found.not_ready.at(0).trouble.reason, "NoAgent");
}

TEST_F(PolicySummaryTest, OneOfSeveralNamedHeadendsThatDoesNotExistIsNotReady) {
  report("n1", 2, true);
  object_.policies[0].headend.names = {"n1", "n9"};
  const auto found = summary();
  EXPECT_EQ(state(found, "Accepted"), "True Accepted");
  EXPECT_EQ(state(found, "Ready"), "False PartiallyProgrammed");
  EXPECT_EQ(found.not_ready.at(0).trouble.reason, "HeadendNotFound");
}

TEST_F(PolicySummaryTest, RefusesHeadendsAndEndpointsThatDoNotExist) {
  object_.policies[0].headend.names = {"n9"};
  EXPECT_EQ(state(summary(), "Accepted"), "False HeadendNotFound");
  object_.policies[0].headend = {.match_labels = {{"site", "east"}}};
  EXPECT_EQ(state(summary(), "Accepted"), "False HeadendNotFound");
  object_.policies[0].headend = {};
  object_.policies[0].endpoint = std::string("n9");
  EXPECT_EQ(state(summary(), "Accepted"), "False EndpointNotFound");
  object_.policies[0].endpoint = IpAddress::parse("10.9.9.9").value();
  EXPECT_EQ(state(summary(), "Accepted"), "False EndpointNotFound");
  object_.policies[0].endpoint = IpAddress::parse("fd99::1").value();
  EXPECT_EQ(state(summary(), "Accepted"), "True Accepted") << "an IPv6 address may be a router's";
}

TEST_F(PolicySummaryTest, TellsOfSegmentsThatNobodyIsCalledAndWhatTheOthersCameTo) {
  overlay::CandidatePath path;
  path.lists = {{.segments = {std::string("router"), std::string("n1")}}};
  object_.policies[0].paths = {path};
  report("n1", 2, true);
  report("n2", 2, true);
  EXPECT_EQ(state(summary(), "Accepted"), "True Accepted");
  path.lists = {{.segments = {std::string("r8"), std::string("n9"), std::string("r8")}}};
  object_.policies[0].paths.push_back(path);
  auto found = summary();
  EXPECT_EQ(state(found, "Accepted"), "False SegmentNotFound");
  EXPECT_EQ(find_condition(found.conditions, "Accepted")->message,
            "no node is called r8, n9; segment lists that name it are not used");
  EXPECT_EQ(state(found, "Ready"), "True Programmed") << "the other candidate path is in force";
  report("n1", 2, false, {"NoValidPath", "'r8' is nobody's name"});
  report("n2", 2, false, {"NoValidPath", "'r8' is nobody's name"});
  EXPECT_EQ(state(summary(), "Ready"), "False Failed");
}

TEST_F(PolicySummaryTest, TellsWhatIsWrongWithAnObjectThatCannotBeRead) {
  report("n1", 2, true);
  object_.policies.clear();
  object_.fault = "spec.color: 0 is not a number from 1 to 4294967295";
  const auto found = summary();
  EXPECT_EQ(state(found, "Accepted"), "False Invalid");
  EXPECT_EQ(find_condition(found.conditions, "Accepted")->message, object_.fault);
  EXPECT_EQ(state(found, "Ready"), "False NotAccepted");
}

TEST_F(PolicySummaryTest, ListsAFewOfManyHeadends) {
  for (int i = 0; i < 200; ++i) {
    const auto name = "w" + std::to_string(1000 + i);
    nodes_[name] = {.name = name};
    report(name, 1, true);
  }
  const auto found = summary();
  EXPECT_EQ(found.headends, 200U);
  EXPECT_EQ(found.not_ready.size(), kNotReadyHeadends);
  EXPECT_LT(find_condition(found.conditions, "Ready")->message.size(), kLongestMessage);
}

TEST_F(PolicySummaryTest, KeepsTheTimeOfAConditionWhoseStatusStays) {
  report("n1", 2, true);
  report("n2", 2, true);
  object_.written = summary(kEarlier);
  EXPECT_EQ(summary(), object_.written) << "nothing has changed: nothing to write";
  report("n2", 2, false, {"DataPlane", "route: EEXIST"});
  const auto found = summary();
  EXPECT_EQ(find_condition(found.conditions, "Accepted")->since, kEarlier);
  EXPECT_EQ(find_condition(found.conditions, "Ready")->since, kNow);
}

TEST_F(PolicySummaryTest, StandsByWhereEveryHeadendPrefersAnotherObject) {
  const Trouble outranked{"NotActive", "a candidate path of SRv6Policy/silver is preferred"};
  report("n1", 2, false, outranked);
  report("n2", 2, false, outranked);
  EXPECT_EQ(state(summary(), "Ready"), "False NotActive");
  report("n2", 1, false, outranked);  // of the object as it was
  EXPECT_EQ(state(summary(), "Ready"), "False Pending");
  report("n2", 2, false, {"DataPlane", "route: EEXIST"});
  EXPECT_EQ(state(summary(), "Ready"), "False Failed");
  report("n2", 2, true);
  EXPECT_EQ(state(summary(), "Ready"), "False PartiallyProgrammed");
}

TEST_F(PolicySummaryTest, LeavesConditionsOfOthersAsTheyAre) {
  report("n1", 2, true);
  report("n2", 2, true);
  const Condition reviewed{.type = "Reviewed",
                           .status = ConditionStatus::kFalse,
                           .reason = "Waiting",
                           .message = "for two people",
                           .observed_generation = 1,
                           .since = kEarlier};
  object_.written.conditions = {reviewed};
  object_.written = summary();
  ASSERT_EQ(object_.written.conditions.size(), 3U);
  EXPECT_EQ(object_.written.conditions.back(), reviewed);
  EXPECT_EQ(summary(), object_.written) << "nothing has changed: nothing to write";
}

TEST_F(PolicySummaryTest, IsWrittenAsConditionsCountsAndAList) {
  report("n1", 2, true);
  report("n2", 2, false, {"NoValidPath", "no list"});
  EXPECT_EQ(
      boost::json::serialize(to_json(summary())),
      R"({"observedGeneration":2,"conditions":[)"
      R"({"type":"Accepted","status":"True","lastTransitionTime":"2026-01-02T00:00:00Z",)"
      R"("reason":"Accepted","message":"the object is valid","observedGeneration":2},)"
      R"({"type":"Ready","status":"False","lastTransitionTime":"2026-01-02T00:00:00Z",)"
      R"("reason":"PartiallyProgrammed","message":"on 1 of 2 headends: n2: no list","observedGeneration":2}],)"
      R"("headends":{"selected":2,"ready":1},)"
      R"("notReadyHeadends":[{"nodeName":"n2","reason":"NoValidPath","message":"no list"}]})");
}

}  // namespace
}  // namespace sextant::kubernetes
