#include "sources/kubernetes/node_status.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sources/kubernetes/headend_reports.h"

namespace sextant::kubernetes {
namespace {

const Time kEarlier = *parse_rfc3339("2026-01-01T00:00:00Z");
const Time kNow = *parse_rfc3339("2026-01-02T00:00:00Z");

PolicyReport policy(const std::string& name, bool programmed = true) {
  return {.object = {"SRv6Policy", name},
          .version = {.uid = "1a2b3c4d-0000-4000-8000-000000000000", .generation = 3},
          .color = 4,
          .endpoint = "fd12::1000",
          .endpoint_node = "worker2",
          .families = {Family::kIpv4, Family::kIpv6},
          .active_path = programmed ? "north" : "",
          .programmed = programmed,
          .reason = programmed ? "Programmed" : "NoValidPath"};
}

boost::json::object object_with(const NodeStatus& status) {
  return {{"metadata", {{"name", "n1"}}}, {"status", to_json(status)}};
}

TEST(NodeStatus, SurvivesBeingWrittenAndReadBackAsFarAsTimesGo) {
  NodeStatus status{
      .conditions = {{.type = "Ready", .status = ConditionStatus::kTrue, .reason = "Forwarding"}},
      .policies = {policy("gold"), policy("lead", false)}};
  keep_times(status, {}, kEarlier);
  NodeStatus again = status;
  for (auto& condition : again.conditions) condition.since = {};
  for (auto& entry : again.policies) entry.since = {};
  keep_times(again, read_node_status(to_json(status)), kNow);
  EXPECT_EQ(again, status) << "an agent that restarts and finds the same keeps all times";
}

TEST(NodeStatus, AChangedPolicyBeginsAnew) {
  NodeStatus before{.policies = {policy("gold"), policy("iron")}};
  keep_times(before, {}, kEarlier);
  NodeStatus now{.policies = {policy("gold", false), policy("iron")}};
  keep_times(now, before, kNow);
  EXPECT_EQ(now.policies[0].since, kNow);
  EXPECT_EQ(now.policies[1].since, kEarlier);
}

TEST(NodeStatus, AnotherObjectOfTheSameNameBeginsAnew) {
  NodeStatus before{.policies = {policy("gold")}};
  keep_times(before, {}, kEarlier);
  NodeStatus now = before;
  now.policies[0].version.uid = "99999999-0000-4000-8000-000000000000";
  keep_times(now, before, kNow);
  EXPECT_EQ(now.policies[0].since, kNow);
}

TEST(NodeStatus, WritesManyPoliciesShortlyAndTroubleInFull) {
  NodeStatus status;
  for (int i = 0; i < 1000; ++i) status.policies.push_back(policy("p" + std::to_string(i)));
  status.policies.push_back(policy("zinc", false));
  keep_times(status, {}, kEarlier);
  const auto json = to_json(status);
  const auto& full = json.at("policies").as_array();
  EXPECT_EQ(full.size(), kFullPolicies);
  EXPECT_EQ(full.front().at("object").as_string(), "SRv6Policy/zinc");
  EXPECT_EQ(json.at("programmedPolicies").as_object().size(), 1001 - kFullPolicies);
  EXPECT_EQ(json.at("policyCounts").at("programmed").to_number<int>(), 1000);
  EXPECT_LT(boost::json::serialize(json).size(), 50'000U);

  PolicyNames names;
  const auto report = read_headend_report(object_with(status), names);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->entries.size(), 1001U) << "the aggregator reads all of them";
  for (const auto& entry : report->entries) {
    EXPECT_EQ(entry.generation, 3U);
    EXPECT_EQ(entry.uid, 0x1a2b3c4dU);
  }
  EXPECT_EQ(report->trouble.size(), 1U);
}

TEST(NodeStatus, CutsLongTextsAtWholeCharacters) {
  std::string text(kLongestMessage - 4, 'a');
  for (int i = 0; i < 5; ++i) text.append("é");
  text = shortened(text);
  EXPECT_LE(text.size(), kLongestMessage);
  EXPECT_TRUE(text.ends_with("a..."));
  EXPECT_EQ(shortened("short"), "short");
}

TEST(HeadendReport, IsNoneWithoutAStatus) {
  PolicyNames names;
  EXPECT_FALSE(read_headend_report({{"spec", {}}}, names));
  EXPECT_TRUE(read_headend_report(object_with({}), names));
}

TEST(HeadendReport, BadValuesReadAsNothingProgrammed) {
  PolicyNames names;
  const auto object =
      boost::json::parse(
          R"({"status":{"policyCounts":1,"policies":[7,{"object":"SRv6Policy/gold","programmed":"yes","observedGeneration":-1}],)"
          R"("programmedPolicies":{"iron":"zz","lead":5}}})")
          .as_object();
  const auto report = read_headend_report(object, names);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->entries.size(), 3U);
  EXPECT_EQ(report->entries[0].policy, names.number("gold"));
  EXPECT_FALSE(report->entries[0].programmed);
  for (const auto& entry : report->entries)
    EXPECT_EQ(entry.generation, 0U) << "no object has generation 0";
}

TEST(Rfc3339, ReadsWhatItWritesAndRefusesTheRest) {
  EXPECT_EQ(to_rfc3339(kNow), "2026-01-02T00:00:00Z");
  EXPECT_EQ(parse_rfc3339("2026-01-02T00:00:00.123456Z"), kNow);
  for (const auto* text : {"", "2026-01-02", "2026-13-02T00:00:00Z", "2026-01-02T25:00:00Z",
                           "2026-01-02T00:00:00+01:00", "yyyy-mm-ddThh:mm:ssZ"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace sextant::kubernetes
