#include "agent/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "agent/example_intent.h"
#include "agent/traffic_metrics.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

using dataplane::Count;

const Ipv6Address kWorker2 = Ipv6Address::parse("fd12::1000").value();
constexpr overlay::PathKey path_of(std::optional<srv6::Color> color, Family family) {
  return {.endpoint = {}, .color = color, .family = family};
}
overlay::PathKey gold(Family family) {
  auto key = path_of(srv6::Color{100}, family);
  key.endpoint = kWorker2;
  return key;
}
overlay::PathKey plain(Family family) {
  auto key = gold(family);
  key.color.reset();
  return key;
}

class MetricsTest : public ::testing::Test {
 protected:
  explicit MetricsTest(bool per_node = false) : metrics_(per_node) {
    auto owned = std::make_unique<dataplane::FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(
        overlay::Settings{.node = "worker1"}, std::move(owned),
        [this](const auto& call, const auto& report) { metrics_.applied(call, report); });
    reconciler_->take(example::nodes());
  }
  void begin() {
    reconciler_->begin();
    metrics_.adopted(*fake_);
  }
  /// The samples by name and labels, as written.
  std::map<std::string, double> scrape() {
    std::map<std::string, double> samples;
    std::istringstream text(metrics_.text(*reconciler_, source_));
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with('#')) continue;
      const auto space = line.rfind(' ');
      EXPECT_TRUE(samples.emplace(line.substr(0, space), std::stod(line.substr(space))).second)
          << "twice: " << line;
    }
    return samples;
  }
  /// Of the samples whose name and labels have all these parts.
  double sum(std::initializer_list<const char*> parts) {
    double total = 0;
    bool any = false;
    for (const auto& [name, value] : scrape()) {
      bool all = true;
      for (const auto* part : parts) all = all && name.find(part) != std::string::npos;
      if (all) total += value;
      any |= all;
    }
    EXPECT_TRUE(any) << "no sample with " << *parts.begin();
    return total;
  }

  dataplane::FakeDataplane* fake_ = nullptr;
  SourceState source_{.kind = "manifests", .place = "/etc/m", .loaded = true};
  Metrics metrics_;
  std::optional<Reconciler> reconciler_;
};
class MetricsPerNodeTest : public MetricsTest {
 protected:
  MetricsPerNodeTest() : MetricsTest(true) {}
};

TEST_F(MetricsTest, NameAPolicyAndItsSegmentLists) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  fake_->carry(gold(Family::kIpv4), 0, {.packets = 3, .bytes = 300});
  const auto samples = scrape();
  const std::string policy =
      R"(policy="gold",color="100",endpoint="fd12::1000",endpoint_node="worker2",family="IPv4")";
  EXPECT_EQ(samples.at("sextant_policy_packets_total{" + policy + "}"), 3);
  EXPECT_EQ(samples.at("sextant_policy_bytes_total{" + policy + "}"), 300);
  EXPECT_EQ(samples.at("sextant_policy_active{" + policy + "}"), 1);
  const std::string list = "{" + policy + R"(,segments="fcff:6::1,fcdd:0:0:12aa:13::"})";
  EXPECT_EQ(samples.at("sextant_segment_list_packets_total" + list), 3);
  EXPECT_EQ(samples.at("sextant_segment_list_bytes_total" + list), 300);
  EXPECT_EQ(samples.at("sextant_segment_list_weight" + list), 1);
  const std::string candidate =
      "{" + policy + R"(,object="SRv6Policy/gold",candidate_path="north",protocol_origin="30",)" +
      R"(originator="<0, ::>",discriminator="1"})";
  EXPECT_EQ(samples.at("sextant_candidate_path_active" + candidate), 1);
  EXPECT_EQ(samples.at("sextant_candidate_path_valid" + candidate), 1);
  EXPECT_EQ(samples.at(R"(sextant_policies{state="active"})"), 2) << "one a family";
}

TEST_F(MetricsTest, KeepAPolicysCountWhenAnEditReplacesItsList) {
  begin();
  reconciler_->take(example::change_of(example::gold("fcff:6::1")));
  fake_->carry(gold(Family::kIpv4), 0, {.packets = 3, .bytes = 300});
  reconciler_->take(example::change_of(example::gold("fcff:7::1")));
  EXPECT_EQ(sum({"sextant_policy_packets_total{", "IPv4"}), 3);
  EXPECT_EQ(sum({"sextant_segment_list_packets_total{", "fcff:7::1", "IPv4"}), 0);
  for (const auto& [name, value] : scrape())
    EXPECT_EQ(name.find("fcff:6::1"), std::string::npos) << name;
}

TEST_F(MetricsTest, JoinTheTrafficOfAListThatStandsTwice) {
  begin();
  auto policy = example::gold();
  policy.paths[0].lists.push_back(policy.paths[0].lists[0]);
  policy.paths[0].lists[1].weight = 2;
  reconciler_->take(example::change_of(policy));
  fake_->carry(gold(Family::kIpv6), 0, {.packets = 1, .bytes = 10});
  EXPECT_EQ(sum({"sextant_segment_list_weight{", "IPv6"}), 3);
  EXPECT_GE(sum({"sextant_segment_list_packets_total{", "IPv6"}), 1);
}

TEST_F(MetricsTest, SayWhatBecomesOfAPolicyWithoutAValidPath) {
  begin();
  auto policy = example::gold();
  policy.paths[0].lists[0].segments = {srv6::Sid::parse("fcdd:0:0:11aa:13::").value()};  // its own
  reconciler_->take(example::change_of(policy));
  EXPECT_EQ(sum({R"(sextant_policies{state="fallback_plain"})"}), 2);
  EXPECT_EQ(sum({"sextant_policy_active{"}), 0);
  EXPECT_EQ(sum({"sextant_candidate_path_valid{"}), 0);
  policy.fallback = overlay::Fallback::kDrop;
  reconciler_->take(example::change_of(policy));
  EXPECT_EQ(sum({R"(sextant_policies{state="fallback_drop"})"}), 2);
}

TEST_F(MetricsTest, AddUpPlainPathsAcrossTheirEnd) {
  begin();
  fake_->carry(plain(Family::kIpv4), 0, {.packets = 5, .bytes = 500});
  EXPECT_EQ(sum({R"(sextant_plain_packets_total{family="IPv4"})"}), 5);
  overlay::IntentChange gone;
  gone.nodes["worker2"] = std::nullopt;
  reconciler_->take(gone);
  EXPECT_EQ(sum({R"(sextant_plain_packets_total{family="IPv4"})"}), 5);
  reconciler_->take(example::nodes());
  fake_->carry(plain(Family::kIpv4), 0, {.packets = 1, .bytes = 100});
  EXPECT_EQ(sum({R"(sextant_plain_packets_total{family="IPv4"})"}), 6);
  EXPECT_EQ(sum({R"(sextant_plain_bytes_total{family="IPv4"})"}), 600);
  EXPECT_EQ(sum({R"(sextant_plain_packets_total{family="IPv6"})"}), 0);
  for (const auto& [name, value] : scrape())
    EXPECT_EQ(name.find("sextant_node_plain"), std::string::npos) << "only where asked for";
}

TEST_F(MetricsTest, LeaveOutOfThePlainSumWhatAnEarlierAgentsPathsCarried) {
  begin();
  fake_->carry(plain(Family::kIpv4), 0, {.packets = 5, .bytes = 500});
  Metrics next(false);
  next.adopted(*fake_);
  fake_->carry(plain(Family::kIpv4), 0, {.packets = 1, .bytes = 100});
  const auto text = next.text(*reconciler_, source_);
  EXPECT_NE(text.find(R"(sextant_plain_packets_total{family="IPv4"} 1)"), std::string::npos);
}

TEST_F(MetricsPerNodeTest, CountPlainPathsNodeByNodeWhereAskedFor) {
  begin();
  fake_->carry(plain(Family::kIpv6), 0, {.packets = 5, .bytes = 500});
  EXPECT_EQ(
      scrape().at(
          R"(sextant_node_plain_packets_total{endpoint="fd12::1000",endpoint_node="worker2",family="IPv6"})"),
      5);
}

TEST_F(MetricsTest, SayNothingOfTrafficThatTheDataPlaneDoesNotCount) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  fake_->count_paths(false);
  for (const auto& [name, value] : scrape()) {
    EXPECT_EQ(name.find("sextant_plain_packets_total"), std::string::npos) << name;
    EXPECT_EQ(name.find("sextant_policy_packets_total"), std::string::npos) << name;
    EXPECT_EQ(name.find("sextant_segment_list_packets_total"), std::string::npos) << name;
  }
  EXPECT_EQ(sum({"sextant_segment_list_weight{", "IPv4"}), 1) << "which is state, and not counted";
}

TEST_F(MetricsTest, ShowLocalSidsAndDrops) {
  fake_->set_counters({.local_sids = {{srv6::Sid::parse("fcdd:0:0:11aa:13::").value(), {3, 300}}},
                       .dropped = {{"pod_spoofed", {2, 200}}}});
  begin();
  const auto samples = scrape();
  EXPECT_EQ(
      samples.at(R"(sextant_local_sid_bytes_total{sid="fcdd:0:0:11aa:13::",behavior="End.DT4"})"),
      300);
  EXPECT_EQ(samples.at(R"(sextant_dropped_packets_total{reason="pod_spoofed"})"), 2);
  EXPECT_EQ(samples.count(
                R"(sextant_local_sid_bytes_total{sid="fcdd:0:0:11aa:12::",behavior="End.DT6"})"),
            0U)
      << "not counted is not zero";
}

TEST_F(MetricsTest, CountCallsOfTheDataPlaneByReasonAndError) {
  fake_->report_problems({{"route a", {"add route", "a", "exists", "", EEXIST}},
                          {"route b", {"add route", "b", "odd"}}});
  begin();
  reconciler_->reconcile(Reason::kRetry);
  fake_->report_problems({});
  reconciler_->take(example::change_of(example::gold()));
  fake_->fail_with(Error{"open", "netlink", "no", "", EPERM});
  reconciler_->reconcile(Reason::kDamage);
  fake_->fail_with(std::nullopt);
  const auto samples = scrape();
  EXPECT_EQ(samples.at(R"(sextant_resyncs_total{reason="start"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_resyncs_total{reason="retry"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_resyncs_total{reason="damage"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_resyncs_total{reason="change_after_failure"})"), 0);
  EXPECT_EQ(samples.at(R"(sextant_apply_duration_seconds_count{kind="reconcile"})"), 3);
  EXPECT_EQ(samples.at(R"(sextant_apply_duration_seconds_count{kind="apply"})"), 1);
  EXPECT_GT(samples.at(R"(sextant_dataplane_writes_total{kind="reconcile"})"), 0);
  EXPECT_EQ(samples.at(R"(sextant_apply_failures_total{kind="reconcile"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_apply_errors_total{error="EEXIST"})"), 2);
  EXPECT_EQ(samples.at(R"(sextant_apply_errors_total{error="other"})"), 2);
  EXPECT_EQ(samples.at(R"(sextant_apply_errors_total{error="EPERM"})"), 1);
  EXPECT_EQ(samples.at("sextant_healthy"), 0);
  EXPECT_EQ(samples.at(R"(sextant_problems{kind="dataplane",severity="error"})"), 3);
}

TEST_F(MetricsTest, GoOnWithoutCountersThatCannotBeRead) {
  begin();
  fake_->fail_with(Error{"read", "counters", "gone"});
  const auto samples = scrape();
  EXPECT_EQ(samples.at("sextant_counters_readable"), 0);
  EXPECT_EQ(samples.count(R"(sextant_plain_packets_total{family="IPv4"})"), 0U);
  EXPECT_EQ(samples.at(R"(sextant_nodes{role="node",state="ok"})"), 2);
}

TEST_F(MetricsTest, CountProblemsAndTheNodesThatTheyTouch) {
  source_.findings = {{.severity = sources::Severity::kWarning, .problem = {}},
                      {.severity = sources::Severity::kError, .problem = {}}};
  auto thief = example::worker2();
  thief.name = "worker3";
  thief.location = "nodes.yaml:worker3";
  overlay::IntentChange change;
  change.nodes["worker3"] = thief;
  change.nodes["r6"] =
      overlay::Node{.name = "r6", .sids = {.end = srv6::Sid::parse("fcff:6::1").value()}};
  reconciler_->take(change);
  begin();
  const auto problems = reconciler_->resolver().problems();
  ASSERT_FALSE(problems.empty());
  const auto samples = scrape();
  EXPECT_EQ(samples.at(R"(sextant_problems{kind="source",severity="error"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_problems{kind="source",severity="warning"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_problems{kind="overlay",severity="error"})"),
            static_cast<double>(problems.size()));
  EXPECT_EQ(samples.at(R"(sextant_nodes{role="node",state="ok"})"), 2);
  EXPECT_EQ(samples.at(R"(sextant_nodes{role="router",state="ok"})"), 1);
}

TEST_F(MetricsTest, StayReadableWhateverANameHolds) {
  auto policy = example::gold();
  policy.key.name = "a\"b\\c\nd\xff";
  reconciler_->take(example::change_of(policy));
  begin();
  fake_->carry(gold(Family::kIpv4), 0, {.packets = 3, .bytes = 300});
  EXPECT_EQ(sum({"sextant_policy_packets_total{policy=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\",", "IPv4"}),
            3);
}

TEST_F(MetricsTest, ShowTheProcess) {
  begin();
  const auto samples = scrape();
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(samples.at("process_open_fds"), 2);
  EXPECT_GE(samples.at("process_max_fds"), samples.at("process_open_fds"));
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(samples.at("process_start_time_seconds"), now, 600);
  const double before = samples.at("process_cpu_seconds_total");
  EXPECT_GT(before, 0);
  EXPECT_GE(scrape().at("process_cpu_seconds_total"), before);
}

TEST_F(MetricsTest, GrowWithThePoliciesOfTheHeadendAndNotWithTheCluster) {
  begin();
  const auto before = scrape().size();
  overlay::IntentChange change;
  for (int i = 1; i <= 200; ++i) {
    const auto number = std::to_string(i);
    const auto name = "more" + number;
    change.nodes[name] = example::node(
        name.c_str(), ("fd20::" + number).c_str(), ("fcde:0:0:" + number + "::/64").c_str(),
        ("10.0." + number + ".0/24").c_str(), ("fdaa:0:0:" + number + "::/64").c_str());
  }
  reconciler_->take(change);
  EXPECT_GT(fake_->counters()->paths.size(), 400U);
  EXPECT_EQ(scrape().size(), before);
  reconciler_->take(example::change_of(example::gold()));
  EXPECT_EQ(scrape().size() - before, 16U) << "8 a policy and family";
}

TEST_F(MetricsTest, SayWhichKindsTheApiServerTellsNothingOf) {
  source_.server = sources::ServerState{.url = "https://[fd10::1]:6443", .reachable = true};
  source_.server->kinds = {
      {.kind = "Node", .resource = "nodes", .synced = true},
      {.kind = "SRv6Policy", .resource = "srv6policies", .synced = true, .error = "HTTP 403"}};
  const auto samples = scrape();
  EXPECT_EQ(samples.at(R"(sextant_source_kind_synced{kind="SRv6Policy"})"), 1) << "read before";
  EXPECT_EQ(samples.at(R"(sextant_source_kind_followed{kind="SRv6Policy"})"), 0);
  EXPECT_EQ(samples.at(R"(sextant_source_kind_followed{kind="Node"})"), 1);
  EXPECT_EQ(samples.at("sextant_api_server_reachable"), 1);
}

TEST_F(MetricsTest, CountReloadsAndTheLoopsLag) {
  metrics_.reloaded(ReloadResult::kChanged);
  metrics_.reloaded(ReloadResult::kFailed);
  metrics_.loop_lagged(std::chrono::milliseconds(30));
  const auto samples = scrape();
  EXPECT_EQ(samples.at(R"(sextant_manifest_reloads_total{result="changed"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_manifest_reloads_total{result="unchanged"})"), 0);
  EXPECT_EQ(samples.at(R"(sextant_manifest_reloads_total{result="failed"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_event_loop_lag_seconds_bucket{le="0.06"})"), 1);
  EXPECT_EQ(samples.at(R"(sextant_event_loop_lag_seconds_bucket{le="0.02"})"), 0);
}

}  // namespace
}  // namespace sextant::agent
