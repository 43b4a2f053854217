#include "sources/kubernetes/node_readiness.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sources/kubernetes/write_pace.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;

const Time kNow = *parse_rfc3339("2026-01-02T00:00:00Z");
const Time kEarlier = *parse_rfc3339("2026-01-01T00:00:00Z");

Condition network_unavailable(ConditionStatus status, const char* reason, const char* message) {
  return {.type = std::string(kNetworkUnavailable),
          .status = status,
          .reason = reason,
          .message = message,
          .since = kEarlier};
}

TEST(NodeReadiness, AFreshNodeIsUnavailableAndKeepsItsTaint) {
  const auto wish = wanted_readiness({.why_not = "no locator"}, {.tainted = true}, kNow);
  EXPECT_FALSE(wish.remove_taint);
  ASSERT_TRUE(wish.condition);
  EXPECT_EQ(wish.condition->status, ConditionStatus::kTrue);
  EXPECT_EQ(wish.condition->reason, "SextantIsNotUp");
  EXPECT_EQ(wish.condition->message, "no locator");
}

TEST(NodeReadiness, ARestartWithStandingForwardingTouchesNothing) {
  EXPECT_TRUE(
      wanted_readiness({.stood = true, .why_not = "starting"}, {.tainted = true}, kNow).empty());
}

TEST(NodeReadiness, ForwardingMakesItAvailableOnce) {
  const Progress up{.forwards = true};
  const auto wish = wanted_readiness(up, {.tainted = true}, kNow);
  EXPECT_TRUE(wish.remove_taint);
  ASSERT_TRUE(wish.condition);
  EXPECT_EQ(wish.condition->status, ConditionStatus::kFalse);
  EXPECT_EQ(wish.condition->reason, kUpReason);
  EXPECT_TRUE(wanted_readiness(up, {.network_unavailable = wish.condition}, kNow).empty());
}

TEST(NodeReadiness, LeavesAnotherProvidersGoodWordAndCorrectsABadOne) {
  const Progress up{.forwards = true};
  const auto calico =
      network_unavailable(ConditionStatus::kFalse, "CalicoIsUp", "Calico is running");
  EXPECT_TRUE(wanted_readiness(up, {.network_unavailable = calico}, kNow).empty());
  const auto no_route = network_unavailable(ConditionStatus::kTrue, "NoRouteCreated", "");
  EXPECT_EQ(wanted_readiness(up, {.network_unavailable = no_route}, kNow).condition->since, kNow);
}

TEST(NodeReadiness, ANewReasonKeepsTheTimeOfTheStatus) {
  const auto before = network_unavailable(ConditionStatus::kTrue, "SextantIsNotUp", "starting");
  const auto wish =
      wanted_readiness({.why_not = "no locator"}, {.network_unavailable = before}, kNow);
  EXPECT_EQ(wish.condition->since, kEarlier);
}

json::value node_with(const char* taints) {
  return json::parse(
      std::string(R"({"metadata":{"uid":"u1","resourceVersion":"7"},"spec":{"taints":)") + taints +
      "}}");
}

TEST(NodeReadiness, RemovesOurTaintOfEveryEffectAndNoOther) {
  const auto node = node_with(
      R"([{"key":"a","effect":"NoSchedule"},{"key":"sextant.dev/not-ready","effect":"NoSchedule"},)"
      R"({"key":"b","value":"x","effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"},)"
      R"({"key":"sextant.dev/not-ready","effect":"NoExecute"}])");
  EXPECT_TRUE(read_node_facts(node).tainted);
  EXPECT_EQ(
      json::serialize(*untaint_patch(node)),
      R"({"metadata":{"resourceVersion":"7"},"spec":{"taints":[{"key":"a","effect":"NoSchedule"},)"
      R"({"key":"b","value":"x","effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"}]}})");
}

TEST(NodeReadiness, HasNothingToPatchWithoutOurTaint) {
  EXPECT_FALSE(untaint_patch(node_with(R"([{"key":"a"}])")));
  EXPECT_FALSE(untaint_patch(node_with("null")));
  EXPECT_EQ(json::serialize(*untaint_patch(node_with(R"([{"key":"sextant.dev/not-ready"}])"))),
            R"({"metadata":{"resourceVersion":"7"},"spec":{"taints":null}})");
}

TEST(NodeReadiness, PutsItsConditionAmongTheOthersOfTheNodeAsItWasRead) {
  const auto node = json::parse(
      R"({"metadata":{"resourceVersion":"7"},"status":{"conditions":[{"type":"Ready","status":"True"},)"
      R"({"type":"NetworkUnavailable","status":"True"}]}})");
  const Condition condition{.type = "NetworkUnavailable",
                            .status = condition_status(false),
                            .reason = "SextantIsUp",
                            .message = "m",
                            .since = kNow};
  const auto patch = readiness_patch(node, condition, kNow);
  ASSERT_TRUE(patch);
  EXPECT_EQ(patch->at("metadata").at("resourceVersion"), "7");
  const auto& conditions = patch->at("status").at("conditions").as_array();
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions.at(0).at("type"), "Ready");
  EXPECT_EQ(conditions.at(1).at("status"), "False");
  EXPECT_EQ(conditions.at(1).at("reason"), "SextantIsUp");
}

TEST(NodeReadiness, GivesTheConditionUpAndLeavesTheOthers) {
  const auto node = json::parse(
      R"({"metadata":{"resourceVersion":"7"},"status":{"conditions":[{"type":"Ready","status":"True"},)"
      R"({"type":"NetworkUnavailable","status":"False","reason":"SextantIsUp"}]}})");
  EXPECT_EQ(json::serialize(*readiness_patch(node, std::nullopt, kNow)),
            R"({"metadata":{"resourceVersion":"7"},"status":{"conditions":[)"
            R"({"type":"Ready","status":"True"}]}})");
  EXPECT_FALSE(readiness_patch(json::parse("{}"), std::nullopt, kNow))
      << "there is none to give up";
  const auto calicos = json::parse(
      R"({"status":{"conditions":[{"type":"NetworkUnavailable","status":"False","reason":"CalicoIsUp"}]}})");
  EXPECT_FALSE(readiness_patch(calicos, std::nullopt, kNow)) << "another provider's";
}

TEST(WritePace, SpreadsThoseWhoHaveTheSameToTellByWhatItCostsTheServer) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const WritePace all{.nodes = 5000, .policies = 1000, .writers = 5000};
  EXPECT_GT(write_window(all), seconds(240));
  EXPECT_LT(write_window(all), seconds(360));
  const WritePace small{.nodes = 5000, .policies = 10, .writers = 5000};
  EXPECT_LT(write_window(small), seconds(80)) << "a smaller status costs less";
  const WritePace ten{.nodes = 5000, .policies = 1000, .writers = 10};
  EXPECT_LT(write_window(ten), seconds(1)) << "its headends only";
  EXPECT_EQ(write_window({.nodes = 5000, .policies = 10, .writers = 5000, .watched_by_all = true}),
            milliseconds(250'000));
  EXPECT_EQ(write_window({.nodes = 1000, .writers = 1000, .watched_by_all = true}),
            milliseconds(10'000));
  const WritePace three{.nodes = 3, .policies = 10, .writers = 3};
  EXPECT_LT(write_delay(three, 0.999, std::chrono::hours(1)), milliseconds(50));
  EXPECT_EQ(write_delay(three, 0.5, milliseconds(100)), milliseconds(900)) << "one a second";
  const auto late = write_delay(all, 0.999, std::chrono::hours(1));
  EXPECT_GT(late, write_window(all) * 9 / 10);
  EXPECT_LE(late, write_window(all));
  EXPECT_EQ(write_delay(all, 0, std::chrono::hours(1)), milliseconds(0));
}

}  // namespace
}  // namespace sextant::kubernetes
