#include "agent/daemon.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <thread>

#include "agent/http_client.h"
#include "agent/listeners.h"
#include "agent/test_support.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr auto kNodes = R"(
apiVersion: v1
kind: Node
metadata:
  name: worker1
  annotations: {sextant.dev/locator: "fcdd:0:0:11aa::/64"}
spec:
  podCIDRs: ["172.16.1.0/26"]
status:
  addresses: [{type: InternalIP, address: "fd11::1000"}]
---
apiVersion: v1
kind: Node
metadata:
  name: worker2
  annotations: {sextant.dev/locator: "fcdd:0:0:12aa::/64"}
spec:
  podCIDRs: ["172.16.2.0/26"]
status:
  addresses: [{type: InternalIP, address: "fd12::1000"}]
)";

std::string policy(const std::string& via) {
  return R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: srv6-config-worker1, namespace: calico-vpp-dataplane}
data:
  srv6: |
    node: worker1
    policies:
      - bsid: "cafe::185"
        node: "fd12::1000"
        segment_list: [")" +
         via + R"(", "fcdd:0:0:12aa:13::"]
        traffic: IPv4
)";
}

/// Hands calls on to a FakeDataplane and lets the test's thread wait for them.
class Watched final : public dataplane::Dataplane {
 public:
  [[nodiscard]] std::string_view name() const override { return fake_.name(); }
  [[nodiscard]] const std::vector<dataplane::Capability>& capabilities() const override {
    return fake_.capabilities();
  }
  [[nodiscard]] Result<dataplane::ApplyReport> reconcile(
      const overlay::Forwarding& wanted) override {
    return told([&] { return fake_.reconcile(wanted); });
  }
  [[nodiscard]] Result<dataplane::ApplyReport> apply(
      const overlay::ForwardingDiff& change) override {
    return told([&] { return fake_.apply(change); });
  }
  [[nodiscard]] Result<void> remove_all() override { return fake_.remove_all(); }
  [[nodiscard]] Result<dataplane::Counters> counters() override { return fake_.counters(); }
  [[nodiscard]] int event_fd() const override { return fake_.event_fd(); }
  [[nodiscard]] bool damaged() override { return fake_.damaged(); }

  /// Runs `action` on the fake, never at the same time as the daemon.
  template <typename Action>
  auto with(const Action& action) {
    const std::lock_guard hold(mutex_);
    return action(fake_);
  }
  /// Waits until the predicate holds of the fake; looked at after every call.
  template <typename Predicate>
  [[nodiscard]] bool await(const Predicate& predicate) {
    std::unique_lock hold(mutex_);
    return called_.wait_for(hold, seconds(20), [&] { return predicate(fake_); });
  }

 private:
  template <typename Call>
  Result<dataplane::ApplyReport> told(const Call& call) {
    const std::lock_guard hold(mutex_);
    auto report = call();
    called_.notify_all();
    return report;
  }
  std::mutex mutex_;
  std::condition_variable called_;
  dataplane::FakeDataplane fake_;
};

/// Whether IPv4 pods of worker2 are reached through the segment.
auto goes_through(const char* via) {
  return [segment = srv6::Sid::parse(via).value()](const dataplane::FakeDataplane& fake) {
    for (const auto& [key, path] : fake.installed().paths)
      if (key.color && !path.lists.empty() && path.lists[0].segments.front() == segment)
        return true;
    return false;
  };
}

class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest() {
    options_.node = "worker1";
    options_.manifests = folder_.path() / "manifests";
    options_.socket = folder_.path() / "agent.sock";
    std::filesystem::create_directory(options_.manifests);
  }
  void TearDown() override { stop(); }

  void write(const std::string& name, const std::string& text) {
    write_file(std::filesystem::path(options_.manifests) / name, text);
  }
  void start() {
    auto owned = std::make_unique<Watched>();
    dataplane_ = owned.get();
    if (left_) dataplane_->with([&](auto& fake) { fake.leave(*left_); });
    auto daemon = Daemon::make(options_, std::move(owned));
    ASSERT_TRUE(daemon) << daemon.error().message();
    daemon_ = std::move(*daemon);
    std::promise<void> ready;
    thread_ = std::thread([this, &ready] {
      daemon_->run([&] { ready.set_value(); });
      ended_.set_value();
    });
    ready.get_future().wait();
  }
  void stop() {
    if (daemon_) daemon_->stop();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::size_t reconciles() {
    return dataplane_->with([](auto& fake) { return fake.reconciles(); });
  }
  unsigned health() {
    const auto reply = http_get(options_.socket, "/healthz", seconds(20));
    return reply ? reply->status : 0;
  }

  TemporaryFolder folder_;
  Options options_;
  std::optional<overlay::Forwarding> left_;
  Watched* dataplane_ = nullptr;
  std::unique_ptr<Daemon> daemon_;
  std::promise<void> ended_;
  std::thread thread_;
};

TEST_F(DaemonTest, TakesAnEditedFileToTheDataPlaneAsADifference) {
  write("nodes.yaml", kNodes);
  write("policies.yaml", policy("fcff:6::1"));
  start();
  EXPECT_TRUE(dataplane_->with(goes_through("fcff:6::1")));
  EXPECT_EQ(health(), 200U);

  write("policies.yaml", policy("fcff:7::1"));
  EXPECT_TRUE(dataplane_->await(goes_through("fcff:7::1")));
  EXPECT_EQ(dataplane_->with([](auto& fake) { return fake.applies(); }), 1U);
  EXPECT_EQ(reconciles(), 1U);
}

TEST_F(DaemonTest, LeavesForwardingAloneWhenItEnds) {
  write("nodes.yaml", kNodes);
  start();
  const auto before = dataplane_->with([](auto& fake) { return fake.calls().size(); });
  ::kill(::getpid(), SIGTERM);
  ASSERT_EQ(ended_.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_EQ(dataplane_->with([](auto& fake) { return fake.calls().size(); }), before);
}

TEST_F(DaemonTest, KeepsWhatAnEarlierAgentLeftUntilTheManifestsCanBeRead) {
  left_.emplace();
  left_->pod_prefixes = {IpPrefix::parse("172.16.1.0/26").value()};
  std::filesystem::remove(options_.manifests);
  start();
  EXPECT_EQ(reconciles(), 0U);
  EXPECT_EQ(health(), 503U);

  std::filesystem::create_directory(options_.manifests);
  write("nodes.yaml", kNodes);
  EXPECT_TRUE(dataplane_->await([](auto& fake) { return fake.installed().locator.has_value(); }));
  EXPECT_EQ(health(), 200U);
}

TEST_F(DaemonTest, KeepsWhatAnEarlierAgentLeftWhileThisNodesManifestIsBad) {
  left_.emplace();
  write("nodes.yaml", "kind: Node\n  metadata: [");
  start();
  EXPECT_EQ(reconciles(), 0U);
  EXPECT_EQ(health(), 503U);
  write("nodes.yaml", kNodes);
  EXPECT_TRUE(dataplane_->await([](auto& fake) { return fake.reconciles() == 1; }));
}

TEST_F(DaemonTest, RemovesEverythingWhereTheDirectoryIsHonestlyEmpty) {
  left_.emplace();
  left_->pod_prefixes = {IpPrefix::parse("172.16.1.0/26").value()};
  start();
  EXPECT_EQ(dataplane_->with([](auto& fake) { return fake.installed(); }), overlay::Forwarding{});
  EXPECT_EQ(reconciles(), 1U);
  EXPECT_EQ(health(), 200U);
}

TEST_F(DaemonTest, ABadFileIsReportedAndTheLastGoodStateStays) {
  write("nodes.yaml", kNodes);
  write("policies.yaml", policy("fcff:6::1"));
  start();
  write("policies.yaml", "kind: [");
  json::value status;
  for (int i = 0; i < 1000; ++i) {
    status = json::parse(http_get(options_.socket, "/v1/status", seconds(20)).value().body);
    if (!status.at("problems").as_array().empty()) break;
  }
  ASSERT_FALSE(status.at("problems").as_array().empty());
  EXPECT_NE(json::serialize(status.at("problems")).find("policies.yaml"), std::string::npos);
  EXPECT_TRUE(dataplane_->with(goes_through("fcff:6::1")));
  EXPECT_EQ(health(), 200U);
}

TEST_F(DaemonTest, RepairsDamageAtOnceAndAStormAtABoundedRate) {
  write("nodes.yaml", kNodes);
  start();
  const auto wanted = dataplane_->with([](auto& fake) { return fake.installed(); });
  dataplane_->with([](auto& fake) { fake.damage_and_lose(); });
  EXPECT_TRUE(dataplane_->await([&](auto& fake) { return fake.installed() == wanted; }));

  const auto started = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < 7; ++i) {
    const auto before = reconciles();
    dataplane_->with([](auto& fake) { fake.damage(); });
    ASSERT_TRUE(dataplane_->await([&](auto& fake) { return fake.reconciles() > before; }));
  }
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(400))
      << "after a burst of 5, one in 200 ms";
}

TEST_F(DaemonTest, RetriesWhatCouldNotBeApplied) {
  write("nodes.yaml", kNodes);
  start();
  dataplane_->with([](auto& fake) {
    fake.report_problems({{"route 172.16.2.0/26", {"add", "it", "exists"}}});
    fake.damage();
  });
  ASSERT_TRUE(dataplane_->await([](auto& fake) { return fake.reconciles() == 2; }));
  EXPECT_EQ(health(), 503U);
  dataplane_->with([](auto& fake) { fake.report_problems({}); });
  EXPECT_TRUE(dataplane_->await([](auto& fake) { return fake.reconciles() == 3; }));
  EXPECT_EQ(health(), 200U);
}

TEST_F(DaemonTest, ReadsEverythingAgainOnHangup) {
  write("nodes.yaml", kNodes);
  start();
  ::kill(::getpid(), SIGHUP);
  write("policies.yaml", policy("fcff:6::1"));
  EXPECT_TRUE(dataplane_->await(goes_through("fcff:6::1")));
}

TEST_F(DaemonTest, CountsWhatItReadsAndHowLateItsLoopIs) {
  write("nodes.yaml", kNodes);
  start();
  write("policies.yaml", policy("fcff:6::1"));
  ASSERT_TRUE(dataplane_->await(goes_through("fcff:6::1")));
  std::string text;
  const auto has = [&](const char* line) { return text.find(line) != std::string::npos; };
  // The loop's first timer comes after a second.
  for (int i = 0; i < 500 && !has("\nsextant_event_loop_lag_seconds_count 1\n"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    text = http_get(options_.socket, "/metrics", seconds(20)).value().body;
  }
  EXPECT_TRUE(has("\nsextant_event_loop_lag_seconds_count 1\n"));
  EXPECT_TRUE(has("\nsextant_manifest_reloads_total{result=\"changed\"} 1\n")) << text;
  EXPECT_TRUE(has("\nsextant_apply_duration_seconds_count{kind=\"apply\"} 1\n"));
  EXPECT_TRUE(has("\nsextant_resyncs_total{reason=\"start\"} 1\n"));
}

TEST_F(DaemonTest, DoesNotStartWhereTheMetricsPortIsTaken) {
  const auto other = listen_on_tcp(ListenAddress::parse("127.0.0.1:0").value());
  ASSERT_TRUE(other) << other.error().message();
  options_.metrics_listen = other->bound;
  const auto refused = Daemon::make(options_, std::make_unique<dataplane::FakeDataplane>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().object, other->bound.to_string());
  EXPECT_EQ(refused.error().errno_value, EADDRINUSE);
  EXPECT_FALSE(std::filesystem::exists(options_.socket)) << "nothing is left behind";
}

TEST(MayBegin, HoldsBackWhatCouldWipeForwardingByMistake) {
  EXPECT_FALSE(may_begin({})) << "never read";
  EXPECT_FALSE(may_begin({.loaded = true, .errors = true})) << "this node may be what is bad";
  EXPECT_TRUE(may_begin({.loaded = true})) << "honestly empty";
  EXPECT_TRUE(may_begin({.loaded = true, .node_known = true, .errors = true}))
      << "one bad object never disturbs the others";
  EXPECT_FALSE(
      may_begin({.loaded = true, .node_known = true, .errors = true, .has_forwarding = true}))
      << "the last good form of what is bad still forwards";
  EXPECT_TRUE(may_begin({.loaded = true, .node_known = true, .has_forwarding = true}));
}

}  // namespace
}  // namespace sextant::agent
