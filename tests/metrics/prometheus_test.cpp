// What Debian's Prometheus makes of three agents on the basic testbed, and promtool of /metrics and
// the alert rules.
#include "prometheus.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "agent/http_client.h"
#include "testbed/files.h"
#include "testbed/process.h"
#include "testbed/testbed.h"

namespace sextant::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace json = boost::json;

const std::filesystem::path kRoot = SEXTANT_SOURCE_DIR;
constexpr int kPings = 20;

constexpr auto kPolicy = R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: scenic}
spec:
  headend: {nodeNames: [master]}
  endpoint: {nodeName: worker2}
  color: 94
  candidatePaths:
  - name: over-worker1
    preference: 200
    segmentLists:
    - segments: [worker1, "fcdd:0:0:12aa:14::"]
)";

std::string missing_tool() {
  const auto found = testbed::run({.arguments = {"promtool", "--version"}}, 20s);
  return found && found->status == 0 ? "" : "prometheus (with promtool) is not installed";
}

/// The testbed and Prometheus on its master, which scrapes all nodes; shared by the tests.
class PrometheusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0 || !missing_tool().empty()) return;
    id_ = testbed::Id::make(testbed::Kind::kBasic, fmt::format("m{}", ::getpid())).value();
    const auto up = testbed::up(*id_, {.pods = 1, .programs = SEXTANT_PROGRAMS, .progress = {}});
    ASSERT_TRUE(up) << up.error().message();
    ASSERT_TRUE(testbed::write_file(id_->manifests() / "scenic.yaml", kPolicy));
    std::string targets;
    for (const auto& node : testbed::topology(testbed::Kind::kBasic).nodes)
      targets += fmt::format("  - {{targets: ['[{}]:9617'], labels: {{instance: {}}}}}\n",
                             node.addresses.front(), node.name);
    auto started = Prometheus::start(
        id_->netns("master"), id_->directory(),
        fmt::format("global: {{scrape_interval: 500ms, evaluation_interval: 1s}}\n"
                    "rule_files: ['{}']\n"
                    "scrape_configs:\n- job_name: sextant\n  static_configs:\n{}",
                    (kRoot / "deploy/monitoring/alerts.yaml").string(), targets));
    ASSERT_TRUE(started) << started.error().message();
    prometheus_.emplace(std::move(*started));
  }
  static void TearDownTestSuite() {
    prometheus_.reset();
    if (id_) {
      EXPECT_TRUE(testbed::down(*id_));
    }
    id_.reset();
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    if (const auto missing = missing_tool(); !missing.empty()) GTEST_SKIP() << missing;
    ASSERT_TRUE(prometheus_);
  }

  static std::string agent_text(const std::string& node) {
    const auto reply = agent::http_get(id_->socket(node), "/metrics", 20s);
    EXPECT_TRUE(reply) << reply.error().message();
    return reply ? reply->body : "";
  }
  /// The result of an instant query; empty, and a failure, where it is none.
  static Samples query(const std::string& expression) {
    const auto samples = prometheus_->samples(expression);
    EXPECT_TRUE(samples) << expression << ": " << samples.error().message();
    return samples.value_or(Samples{});
  }
  /// Asks until `condition` holds, at most 30 s; whether it did.
  template <typename Condition>
  static bool await(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(100ms);  // scrapes come by the clock
    }
    return true;
  }
  static std::string pod_address(const std::string& node, const char* family) {
    const auto output =
        testbed::run({.arguments = {"ip", "-n", id_->netns(testbed::Id::pod(node, 1)), family, "-o",
                                    "address", "show", "dev", "eth0", "scope", "global"}},
                     20s);
    std::smatch found;
    const std::regex pattern("inet6? ([^/ ]+)");
    return output && std::regex_search(output->out, found, pattern) ? found[1].str() : "";
  }
  /// The sum of master's IPv4 series of the metric that have the text.
  static double count(const std::string& name, const std::string& text) {
    double total = 0;
    for (const auto& [series, value] : read_text(agent_text("master")))
      if (series.starts_with(name + "{") && series.find("\"IPv4\"") != std::string::npos &&
          series.find(text) != std::string::npos)
        total += value;
    return total;
  }
  static void ping(const char* family) {
    const auto output = testbed::run({.arguments = {"ping", "-q", "-c", std::to_string(kPings),
                                                    "-i", "0.01", pod_address("worker2", family)},
                                      .netns = id_->netns(testbed::Id::pod("master", 1))},
                                     30s);
    ASSERT_TRUE(output) << output.error().message();
    EXPECT_EQ(output->status, 0) << output->out << output->err;
  }

  static std::optional<testbed::Id> id_;
  static std::optional<Prometheus> prometheus_;
};
std::optional<testbed::Id> PrometheusTest::id_;
std::optional<Prometheus> PrometheusTest::prometheus_;

TEST_F(PrometheusTest, ScrapesEveryAgent) {
  EXPECT_TRUE(await([] { return query("up == 1").size() == 1 && query("sum(up)")[""] == 3; }));
  const auto targets = prometheus_->get("/api/v1/targets");
  ASSERT_TRUE(targets) << targets.error().message();
  for (const auto& target : targets->at("activeTargets").as_array())
    EXPECT_EQ(target.at("health"), json::value("up")) << json::serialize(target);
}

TEST_F(PrometheusTest, TellsWhatTheAgentsTell) {
  ASSERT_TRUE(await([] {
    return query(R"(sum(sextant_policies{instance="master",state="active"}))")[""] == 2;
  })) << "one a family";
  ping("-4");
  ping("-6");
  for (const auto* node : {"master", "worker1", "worker2"}) {
    Samples agent, prometheus;
    EXPECT_TRUE(await([&] {
      agent = read_text(agent_text(node));
      prometheus = query(fmt::format(
          R"({{__name__=~"sextant_.*",__name__!~".*_bucket",job="sextant",instance="{}"}})", node));
      for (auto* samples : {&agent, &prometheus})  // it counts on, every second
        std::erase_if(*samples, [](const auto& sample) {
          return sample.first.starts_with("sextant_event_loop_lag_seconds");
        });
      return agent == prometheus && agent.size() > 30;
    })) << node;
    EXPECT_EQ(prometheus, agent) << node;
  }
  const auto taken = [](const char* node, const char* behavior) {
    return query(
        fmt::format(R"(sum(sextant_local_sid_packets_total{{instance="{}",behavior="{}"}}))", node,
                    behavior))[""];
  };
  EXPECT_GE(taken("worker1", "End"), 2 * kPings) << "the way there is the policy's";
  EXPECT_GE(taken("worker2", "End.DT46"), 2 * kPings);
  EXPECT_GE(taken("master", "End.DT4"), kPings) << "the way back is plain";
  EXPECT_GE(taken("master", "End.DT6"), kPings);
}

TEST_F(PrometheusTest, FindsAPolicysCountsGoOnAcrossAnEditAndARestart) {
  constexpr double kPacket = 20 + 8 + 56;  // of ping: IPv4, ICMP, data
  if (agent_text("master").find("\nsextant_policy_packets_total{") == std::string::npos)
    GTEST_SKIP() << "the data plane does not count paths on this kernel";
  const auto packets = count("sextant_policy_packets_total", "scenic");
  const auto bytes = count("sextant_policy_bytes_total", "scenic");
  ping("-4");
  EXPECT_EQ(count("sextant_policy_packets_total", "scenic"), packets + kPings);
  EXPECT_EQ(count("sextant_policy_bytes_total", "scenic"), bytes + kPings * kPacket);
  EXPECT_EQ(count("sextant_segment_list_packets_total", "fcdd:0:0:11aa:1::"), packets + kPings);

  const auto direct = std::regex_replace(kPolicy, std::regex("worker1, "), "");
  ASSERT_TRUE(testbed::write_file(id_->manifests() / "scenic.yaml", direct));
  const std::string list = "segments=\"fcdd:0:0:12aa:14::\"";
  ASSERT_TRUE(await([&] { return agent_text("master").find(list) != std::string::npos; }));
  EXPECT_EQ(count("sextant_policy_packets_total", "scenic"), packets + kPings) << "no step back";
  EXPECT_EQ(count("sextant_segment_list_packets_total", list), 0) << "a new list begins at 0";
  ping("-4");
  EXPECT_EQ(count("sextant_policy_packets_total", "scenic"), packets + 2 * kPings);
  EXPECT_EQ(count("sextant_segment_list_packets_total", list), kPings);

  const auto agent = std::stoi(testbed::read_file(id_->directory() / "master.pid").value());
  ASSERT_TRUE(testbed::end_processes(std::vector<pid_t>{agent}, 10s));
  const auto up = testbed::up(*id_, {.pods = {}, .programs = SEXTANT_PROGRAMS, .progress = {}});
  ASSERT_TRUE(up) << up.error().message();
  EXPECT_EQ(count("sextant_policy_packets_total", "scenic"), packets + 2 * kPings);
  EXPECT_EQ(count("sextant_segment_list_packets_total", list), kPings);
  ASSERT_TRUE(testbed::write_file(id_->manifests() / "scenic.yaml", kPolicy));
}

TEST_F(PrometheusTest, TellsTheListsOfAPolicyApart) {
  constexpr int kFlows = 30;
  if (agent_text("master").find("\nsextant_policy_packets_total{") == std::string::npos)
    GTEST_SKIP() << "the data plane does not count paths on this kernel";
  // The second list goes through worker1; the third is the first one again.
  const auto weighted =
      std::regex_replace(kPolicy, std::regex("    - segments"),
                         "    - segments: [\"fcdd:0:0:12aa:14::\"]\n    - segments",
                         std::regex_constants::format_first_only);
  ASSERT_TRUE(testbed::write_file(id_->manifests() / "scenic.yaml",
                                  weighted + "    - segments: [\"fcdd:0:0:12aa:14::\"]\n"));
  ASSERT_TRUE(await([&] { return count("sextant_segment_list_weight", "scenic") == 3; }));
  const auto ends = [] {
    double total = 0;
    for (const auto& [series, value] : read_text(agent_text("worker1")))
      if (series.starts_with("sextant_local_sid_packets_total{behavior=\"End\"")) total += value;
    return total;
  };
  const auto before = ends();
  const auto total = count("sextant_policy_packets_total", "scenic");
  const auto over_worker1 = count("sextant_segment_list_packets_total", "fcdd:0:0:11aa:1::");
  const auto script = fmt::format("for p in $(seq 40001 {}); do echo >/dev/udp/{}/$p; done",
                                  40000 + kFlows, pod_address("worker2", "-4"));
  const auto sent = testbed::run(
      {.arguments = {"bash", "-c", script}, .netns = id_->netns(testbed::Id::pod("master", 1))},
      30s);
  ASSERT_TRUE(sent) << sent.error().message();
  EXPECT_TRUE(await([&] {
    return count("sextant_policy_packets_total", "scenic") == total + kFlows;
  })) << count("sextant_policy_packets_total", "scenic") - total;
  EXPECT_GT(ends(), before);
  EXPECT_LT(ends(), before + kFlows);
  EXPECT_EQ(count("sextant_segment_list_packets_total", "fcdd:0:0:11aa:1::") - over_worker1,
            ends() - before);
  ASSERT_TRUE(testbed::write_file(id_->manifests() / "scenic.yaml", kPolicy));
}

TEST_F(PrometheusTest, TellsWhenAPodUsesAForeignAddress) {
  const auto dropped = [] {
    return query(
        R"(sum(sextant_dropped_packets_total{instance="master",reason="pod_spoofed"}))")[""];
  };
  const auto before = dropped();
  const auto pod = id_->netns(testbed::Id::pod("master", 1));
  ASSERT_EQ(
      testbed::run(
          {.arguments = {"ip", "address", "add", "10.99.0.1/32", "dev", "lo"}, .netns = pod}, 20s)
          .value()
          .status,
      0);
  const auto output = testbed::run({.arguments = {"ping", "-q", "-c", "12", "-i", "0.01", "-W", "1",
                                                  "-I", "10.99.0.1", pod_address("worker2", "-4")},
                                    .netns = pod},
                                   30s);
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_NE(output->status, 0) << "no reply comes";
  EXPECT_TRUE(await([&] { return dropped() >= before + 12; })) << dropped();
}

TEST_F(PrometheusTest, FindsTheMetricsCleanAndTheRulesGood) {
  for (const auto* node : {"master", "worker1"}) {
    const auto lint = testbed::run(
        {.arguments = {"promtool", "check", "metrics"}, .input = agent_text(node)}, 20s);
    ASSERT_TRUE(lint) << lint.error().message();
    EXPECT_EQ(lint->status, 0) << lint->out << lint->err;
    EXPECT_EQ(lint->out + lint->err, "");
  }
  const auto rules = [] {
    const auto data = prometheus_->get("/api/v1/rules");
    EXPECT_TRUE(data) << data.error().message();
    return data ? data->at("groups").at(0).at("rules").as_array() : json::array();
  };
  EXPECT_GT(rules().size(), 10U);
  EXPECT_TRUE(await([&] {
    const auto now = rules();
    return std::ranges::none_of(
        now, [](const auto& rule) { return rule.at("health") == json::value("unknown"); });
  }));
  for (const auto& rule : rules())
    EXPECT_EQ(rule.at("health"), json::value("ok")) << json::serialize(rule);
}

TEST_F(PrometheusTest, AnswersEveryPanelOfTheDashboard) {
  const auto dashboard =
      json::parse(testbed::read_file(kRoot / "deploy/monitoring/grafana-dashboard.json").value());
  std::size_t answered = 0;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    if (panel.at("type") == json::value("row")) continue;
    for (const auto& target : panel.at("targets").as_array()) {
      std::string expression(target.at("expr").as_string());
      for (const auto& [variable, value] : {std::pair{R"(\$__rate_interval)", "10s"},
                                            {R"(\$job)", "sextant"},
                                            {R"(\$instance)", ".*"},
                                            {R"(\$policy)", ".*"}})
        expression = std::regex_replace(expression, std::regex(variable), value);
      const auto result = prometheus_->query(expression);
      EXPECT_TRUE(result) << expression << ": " << result.error().message();
      if (result && !result->as_array().empty()) ++answered;
    }
  }
  EXPECT_GT(answered, 20U);
}

TEST(Promtool, FindsTheAlertsRight) {
  if (const auto missing = missing_tool(); !missing.empty()) GTEST_SKIP() << missing;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"promtool", "check", "rules", kRoot / "deploy/monitoring/alerts.yaml"},
           {"promtool", "test", "rules", kRoot / "tests/metrics/alerts_test.yaml"}}) {
    const auto checked = testbed::run({.arguments = arguments}, 60s);
    ASSERT_TRUE(checked) << checked.error().message();
    EXPECT_EQ(checked->status, 0) << checked->out << checked->err;
    EXPECT_THAT(checked->out, HasSubstr("SUCCESS"));
  }
}

}  // namespace
}  // namespace sextant::metrics
