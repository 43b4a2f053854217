// Whatever of Sextant is there goes; what others made stays as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "agent/lock.h"
#include "dataplane/linux/node_testing.h"
#include "footprint/uninstall.h"

namespace sextant::footprint {
namespace {

namespace fs = std::filesystem;
using dataplane::testing::add_route;
using dataplane::testing::expect_no_problems;
using dataplane::testing::lone_node;
using dataplane::testing::path_of;
using dataplane::testing::prefix;
using dataplane::testing::TestNode;
using netlink::testing::expect;

/// Lines of a command in the node's namespace.
std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), size);
  return ::pclose(pipe) == 0 ? text : text + "(" + command + " failed)";
}

class UninstallTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = netlink::testing::missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    node_.emplace("un");
    folder_ = fs::temp_directory_path() / ("sextant-uninstall-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    options_ = {.places = {.socket = folder_ / "run/sextant/sextantd.sock",
                           .cni_configs = {folder_ / "net.d"},
                           .cni_programs = {folder_ / "bin"},
                           .leases = folder_ / "leases",
                           .manifests = folder_ / "manifests"},
                .force = true};
    for (const auto* name : {"net.d", "bin", "leases/others", "manifests", "run"})
      fs::create_directories(folder_ / name);
    write("net.d/20-other.conflist", R"({"name": "other", "plugins": [{"type": "bridge"}]})");
    write("bin/bridge", "#!/bin/sh\n");
    write("leases/others/10.9.0.2", "container");
    write("manifests/node.yaml", "kind: Node\n");
    shell(
        "ip link add others type veth peer name othersp && ip link set others up && "
        "ip address add 10.8.0.1/24 dev others && ip link set othersp up && "
        "ip route add 10.1.0.0/16 via 10.8.0.2 && ip -6 route add fd77::/64 dev others && "
        "ip route add 10.77.0.0/16 dev others table 22200 && "
        "ip rule add from 10.9.0.0/16 table 77 priority 2200 && "
        "ip nexthop add id 7 dev others && "
        "nft 'add table ip6 others; add chain ip6 others sextant { type filter hook forward "
        "priority 0; }; add table inet sextant-like'");
    // A data plane that is there switches these on, and they stay on.
    shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    before_ = snapshot();
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  auto inside(const std::function<std::string()>& work) {
    return expect(expect(netlink::Netns::open(name())).run(work));
  }
  [[nodiscard]] std::string name() const {
    auto gateway = node_->gateway_name();
    return gateway.substr(0, gateway.size() - std::string("-gw").size());
  }
  void shell(const std::string& commands) {
    EXPECT_EQ(inside([&] { return output_of("( " + commands + " ) 2>&1"); }), "") << commands;
  }
  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }

  /// Links, addresses, routes of all tables, rules, nexthops, nftables, queueing disciplines,
  /// namespaces, files.
  std::string snapshot() {
    auto text = inside([] {
      return output_of(
          "ip -o link | sed 's/^[0-9]*: //; s/ .*//'; ip -o address | awk '{print $2, $4}' | grep "
          "-v fe80; "
          "for f in -4 -6; do ip $f route show table all | grep -v -e fe80 -e ff00 -e anycast; "
          "ip $f rule; done; ip nexthop; nft list ruleset; tc qdisc show");
    });
    for (const auto& each : expect(netlink::Netns::list()))
      if (each.starts_with(name())) text += "netns " + each + "\n";
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      files.push_back(entry.path().string() + "\n");
    std::sort(files.begin(), files.end());
    for (const auto& file : files) text += file;
    return text;
  }

  Result<UninstallReport> uninstall_here() {
    return expect(netlink::Netns::open(name())).run([&] { return uninstall(options_); });
  }
  Inventory inventory() {
    return expect(
        expect(netlink::Netns::open(name())).run([&] { return take_inventory(options_.places); }));
  }

  // The steps of an installation.
  void forward() {
    auto wanted = lone_node();
    add_route(wanted, "10.2.0.0/24", 1);
    add_route(wanted, "fd20:0:0:1::/64", 1);
    wanted.routes[{overlay::RouteScope::kPods, prefix("10.12.0.2/32")}] = path_of(1, Family::kIpv4);
    expect_no_problems(node_->reconcile(wanted));
    // As where the underlay does not route that node's address.
    shell("ip rule add from 172.16.0.0/26 table 22200 protocol 200 priority 2200");
  }
  void install_cni() {
    write("net.d/10-sextant.conflist",
          R"({"name": "pods", "plugins": [{"type": "sextant-cni"}, {"type": "portmap"}]})");
    write("bin/sextant-cni", "#!/bin/sh\n");
    write("leases/pods/172.16.0.2", "container");
  }
  void attach_pod() {
    shell(
        "ip link add sxp0123456789a type veth peer name podp && ip link set sxp0123456789a up && "
        "ip route add 172.16.0.2/32 dev sxp0123456789a proto 201");
  }

  void expect_nothing_left() {
    const auto done = uninstall_here();
    ASSERT_TRUE(done) << done.error().message();
    for (const auto& item : done->remaining)
      ADD_FAILURE() << to_string(item.kind) << " " << item.name << " is still there";
    for (const auto& error : done->errors) ADD_FAILURE() << error.message();
    EXPECT_FALSE(done->removed.empty()) << "there was nothing to remove";
    EXPECT_EQ(snapshot(), before_);
    const auto again = uninstall_here();
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->clean());
    EXPECT_THAT(again->removed, ::testing::IsEmpty()) << "the second time there is nothing to do";
    EXPECT_EQ(snapshot(), before_);
  }

  std::optional<TestNode> node_;
  fs::path folder_;
  UninstallOptions options_;
  std::string before_;
};

TEST_F(UninstallTest, RemovesAWholeInstallationAndNothingElse) {
  forward();
  install_cni();
  attach_pod();
  write("run/sextant/sextantd.sock", "");
  write("run/sextant/sextantd.sock.lock", "");
  const auto found = inventory();
  for (const auto kind : {Kind::kPodDevice, Kind::kDevice, Kind::kNamespace, Kind::kRoutes,
                          Kind::kRule, Kind::kNftTable, Kind::kCniConfig, Kind::kCniProgram,
                          Kind::kLeases, Kind::kRuntime, Kind::kManifests})
    EXPECT_TRUE(found.has(kind)) << to_string(kind);
  expect_nothing_left();
}

TEST_F(UninstallTest, RemovesEachHalf) {
  const std::vector<std::pair<const char*, std::function<void()>>> kHalves{
      {"forwarding", [&] { forward(); }},
      {"CNI files", [&] { install_cni(); }},
      {"a pod", [&] { attach_pod(); }},
      {"a configuration half written",
       [&] { write("net.d/10-sextant.conflist", R"({"plugins": [{"type": "sextant-)"); }},
      {"a gateway without links",
       [&] {
         forward();
         shell("ip link delete sextant0; ip link delete sextant1");
       }},
      {"a BPF program at an uplink alone",
       [&] {
         forward();
         const auto programs = inventory().names(Kind::kTcProgram);  // none without tc BPF
         shell("ip link delete sextant0; ip link delete sextant1; ip netns delete " +
               node_->gateway_name() +
               "; nft delete table ip6 sextant; nft delete table netdev sextant 2>/dev/null; "
               "ip rule flush table 22200 proto 200 2>/dev/null; true");
         EXPECT_EQ(inventory().names(Kind::kTcProgram), programs);
         if (!programs.empty()) {
           EXPECT_EQ(programs, (std::vector<std::string>{"up0 ingress", "up0 egress"}));
         }
       }},
      {"a link without its gateway", [&] { shell("ip link add sextant0 type veth peer name x"); }},
      {"the gateway's name after a reboot",
       [&] { std::ofstream("/run/netns/" + node_->gateway_name()); }},
      {"nftables alone",
       [&] {
         shell("nft 'add table ip6 sextant; add table netdev sextant; add table inet sextant'");
       }},
      {"a rule alone", [&] { shell("ip rule add from 172.16.0.0/26 table 22200 protocol 200"); }},
      {"routes in any table",
       [&] {
         shell(
             "ip route add unreachable 172.16.0.0/26 table 4711 proto 200 && "
             "ip -6 route add unreachable fd20::/64 metric 20000 proto 200");
       }},
      {"a socket that a killed agent left", [&] { write("run/sextant/sextantd.sock", ""); }},
  };
  for (const auto& [what, leave] : kHalves) {
    SCOPED_TRACE(what);
    leave();
    expect_nothing_left();
  }
}

TEST_F(UninstallTest, RefusesToCutOffPodsUnlessForced) {
  forward();
  attach_pod();
  options_.force = false;
  const auto there = snapshot();
  const auto done = uninstall_here();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("1 pods' devices (sxp0123456789a)"), std::string::npos)
      << done.error().message();
  EXPECT_EQ(snapshot(), there);
}

TEST_F(UninstallTest, EndsARunningAgentOnlyWhenForced) {
  forward();
  const auto netns = expect(netlink::Netns::open(name()));
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const auto agent = expect(netns.fork_inside([&] {  // holds what an agent holds
    const auto lock = agent::AgentLock::take(options_.places.socket.string());
    const char told = lock ? 'y' : 'n';
    if (::write(ready[1], &told, 1) != 1) return 1;
    ::pause();
    return 0;
  }));
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  EXPECT_EQ(inventory().agent, agent);

  options_.force = false;
  const auto refused = uninstall_here();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("process " + std::to_string(agent)), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(::waitpid(agent, nullptr, WNOHANG), 0) << "it still runs";

  options_.force = true;
  expect_nothing_left();
  int status = 0;
  EXPECT_EQ(::waitpid(agent, &status, 0), agent);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(UninstallTest, KeepsTheManifestsUnlessPurged) {
  const auto manifest = folder_ / "manifests/node.yaml";
  forward();
  expect_nothing_left();
  EXPECT_TRUE(fs::exists(manifest));
  options_.purge = true;
  const auto done = uninstall_here();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->clean());
  EXPECT_FALSE(fs::exists(manifest));
}

}  // namespace
}  // namespace sextant::footprint
