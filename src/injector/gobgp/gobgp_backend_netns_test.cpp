// Against Debian's gobgpd, with a speaker of ours as its peer: what is injected, what GoBGP says of
// it, and what comes out on the wire.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bgp/speaker_fixture_test.h"
#include "injector/difference.h"
#include "injector/gobgp/client.h"
#include "injector/gobgp_backend.h"

namespace sextant::injector {
namespace {

using bgp::ip;
using Kind = PolicyEvent::Kind;
using namespace std::chrono_literals;

constexpr const char* kGobgpd = "/usr/bin/gobgpd";
// 10.99.0.1 is GoBGP, 10.99.0.2 a speaker, 10.99.0.3 a peer that never comes.
constexpr const char* kSettings = R"(
[global.config]
  as = 64512
  router-id = "10.0.0.1"
  port = 1790
  local-address-list = ["10.99.0.1"]
)";
constexpr const char* kNeighbor = R"(
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{}"
    peer-as = 64512
  [neighbors.transport.config]
    passive-mode = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-srpolicy"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-srpolicy"
)";

Ipv6Address sid(std::string_view text) { return Ipv6Address::parse(text).value(); }

class GobgpTest : public bgp::Namespace {
 protected:
  void SetUp() override {
    bgp::Namespace::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // Loopback addresses are no next hops.
    ASSERT_EQ(
        std::system("ip address add 10.99.0.1/32 dev lo && ip address add 10.99.0.2/32 dev lo"), 0);
    if (::access(kGobgpd, X_OK) != 0) GTEST_SKIP() << "needs gobgpd (Debian: gobgpd)";
    char folder[] = "/tmp/sx-gobgp-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    std::string settings = kSettings;
    for (const char* neighbor : {"10.99.0.2", "10.99.0.3"}) {
      settings += fmt::format(fmt::runtime(kNeighbor), neighbor);
    }
    std::ofstream(folder_ / "gobgpd.toml") << settings;
  }

  void TearDown() override {
    end_gobgpd();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void start_gobgpd(const std::vector<std::string>& more) {
    std::vector<std::string> words{kGobgpd, "--api-hosts", "127.0.0.1:50051", "--log-plain",
                                   "--pprof-disable"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = folder_ / "gobgpd.log";
    gobgpd_ = ::fork();
    ASSERT_GE(gobgpd_, 0);
    if (gobgpd_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }
  void end_gobgpd() {
    if (gobgpd_ <= 0) return;
    ::kill(gobgpd_, SIGKILL);
    ::waitpid(gobgpd_, nullptr, 0);
    gobgpd_ = -1;
  }
  [[nodiscard]] bool gobgpd_lives() const { return ::waitpid(gobgpd_, nullptr, WNOHANG) == 0; }

  /// As soon as it answers.
  std::unique_ptr<Backend> connect(GobgpOptions options = {.host = "127.0.0.1",
                                                           .watch_interval = 10ms}) {
    Result<std::unique_ptr<Backend>> backend;
    EXPECT_TRUE(run_until(
        [&] {
          backend = connect_gobgp(options);
          return backend.has_value();
        },
        20s))
        << backend.error().message();
    return backend ? std::move(*backend) : nullptr;
  }

  std::unique_ptr<Backend> gobgp() {
    start_gobgpd({"-f", folder_ / "gobgpd.toml"});
    return connect();
  }

  /// The speaker, once its session is up.
  std::unique_ptr<bgp::Node> peer() {
    auto config = bgp::speaker_config(2);
    auto gobgpd = bgp::peer_config("10.99.0.1", 64512);
    gobgpd.local_address = ip("10.99.0.2");
    gobgpd.mode = bgp::ConnectMode::kActive;
    gobgpd.dialect = bgp::SrPolicyDialect::kCalicoVpp;
    gobgpd.families = {{.family = bgp::kSrPolicyIpv6}, {.family = bgp::kSrPolicyIpv4}};
    config.peers = {gobgpd};
    auto node = std::make_unique<bgp::Node>(io, config);
    const auto started = node->speaker.start();
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_TRUE(run_until([&] { return node->up("10.99.0.1"); })) << node->last_error("10.99.0.1");
    return node;
  }

  std::filesystem::path folder_;

 private:
  pid_t gobgpd_ = -1;
};

PolicyKey key(std::uint32_t distinguisher, std::uint32_t color, std::string_view endpoint) {
  return {.distinguisher = distinguisher, .color = {color}, .endpoint = ip(endpoint)};
}

/// SRv6-PI's example, with a weight.
InjectedPolicy simple() {
  InjectedPolicy policy{.key = key(4, 94, "fd12::1000"), .next_hop = ip("fd12::1000")};
  policy.tunnel.binding_sid = bgp::BindingSid{.sid = sid("cafe::25")};
  policy.tunnel.priority = 0;
  policy.tunnel.lists = {
      {.weight = 1,
       .segments = {
           bgp::Segment::of(sid("fcff:6::1"), bgp::SidBehavior{srv6::Behavior::kEndDt6}),
           bgp::Segment::of(sid("fcff:8::1"), bgp::SidBehavior{srv6::Behavior::kEndDt6})}}};
  return policy;
}

/// All that a policy can hold, what GoBGP has no message for too.
InjectedPolicy everything() {
  InjectedPolicy policy{
      .name = "gold", .key = key(7, 100, "fd12::1000"), .headends = {bgp::ipv4("192.168.10.254")}};
  auto& tunnel = policy.tunnel;
  tunnel.preference = 300;
  tunnel.binding_sid = bgp::BindingSid{.flags = 0x40};
  tunnel.enlp = bgp::ExplicitNullPolicy::kBoth;
  tunnel.priority = 9;
  const bgp::SidBehavior behavior{srv6::Behavior::kEndDt46,
                                  {.block = 32, .node = 32, .function = 16, .argument = 0}};
  tunnel.srv6_binding_sids = {
      bgp::Srv6BindingSid::of(sid("cafe::26"), bgp::SidBehavior{srv6::Behavior::kEndB6Encaps})};
  tunnel.lists = {
      {.weight = 3,
       .segments = {bgp::Segment::of(sid("fcff:6::1")),
                    bgp::Segment::of(sid("fcdd::5"), behavior)}},
      {.weight = 1,
       .segments = {bgp::Segment{.type = bgp::SegmentType::kA, .value = {0, 0, 0, 1, 0, 0}}},
       .unknown = {{200, {1, 2, 3}}}}};
  tunnel.candidate_path_name = "main";
  tunnel.policy_name = "gold";
  tunnel.unknown = {{77, {1, 2, 3}}};
  return policy;
}

/// As the speaker has it.
bgp::SrPolicyTunnel received(const bgp::Node& node, const std::string& route) {
  const auto tunnel = bgp::decode_sr_policy(node.routes.at(route).attributes.tunnel_encapsulation);
  EXPECT_TRUE(tunnel) << tunnel.error().message();
  return tunnel.value_or(bgp::SrPolicyTunnel{});
}

std::vector<InjectedPolicy> policies(Backend& backend) {
  const auto reports = backend.list();
  EXPECT_TRUE(reports) << reports.error().message();
  std::vector<InjectedPolicy> found;
  if (!reports) return found;
  for (const auto& report : *reports) found.push_back(report.policy);
  return found;
}

TEST_F(GobgpTest, WhatIsInjectedIsListedAndSentWithNothingLost) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  auto v4 = simple();
  v4.key = key(1, 5, "192.168.12.254");
  v4.convention = Convention::kCalicoVpp;
  v4.next_hop.reset();
  const std::vector<InjectedPolicy> wanted{v4, simple(), everything()};
  const auto done = backend->announce(wanted);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(policies(*backend), wanted) << "in the order of their keys";

  const auto node = peer();
  ASSERT_TRUE(run_until([&] { return node->routes.size() == 3; }));
  EXPECT_EQ(received(*node, "4:94:fd12::1000"), simple().tunnel);
  const auto& plain = node->routes.at("4:94:fd12::1000");
  EXPECT_EQ(plain.next_hop.address, ip("fd12::1000"));
  EXPECT_TRUE(plain.attributes.has(bgp::kNoAdvertise)) << "RFC 9830 section 4.2.1";

  EXPECT_EQ(received(*node, "7:100:fd12::1000"), everything().tunnel);
  const auto& targeted = node->routes.at("7:100:fd12::1000").attributes;
  ASSERT_EQ(targeted.extended_communities.size(), 1U);
  EXPECT_EQ(targeted.extended_communities[0].target_address(), bgp::ipv4("192.168.10.254"));
  EXPECT_FALSE(targeted.has(bgp::kNoAdvertise));

  EXPECT_EQ(received(*node, "1:5:192.168.12.254"), v4.tunnel);
  const auto& for_all = node->routes.at("1:5:192.168.12.254");
  EXPECT_TRUE(for_all.attributes.communities.empty());
  EXPECT_EQ(for_all.next_hop.address, ip("10.99.0.1")) << "GoBGP's own";
}

TEST_F(GobgpTest, WhatIsLeftOutIsSpelledOut) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  auto policy = simple();
  policy.name = "gold";
  policy.tunnel.lists[0].weight.reset();
  ASSERT_TRUE(backend->announce({policy}));
  EXPECT_EQ(policies(*backend), std::vector{spelled_out(policy)});
  EXPECT_TRUE(difference(policies(*backend), {policy}).empty());
}

TEST_F(GobgpTest, SaysToWhichPeersAPolicyWent) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(backend->announce({simple()}));
  const auto node = peer();
  Result<std::vector<PolicyReport>> reports;
  // Our side of the session may be up a moment before GoBGP's.
  ASSERT_TRUE(run_until([&] {
    reports = backend->list();
    return reports && reports->size() == 1 && reports->front().peers.size() == 2 &&
           reports->front().peers[0].established;
  }));
  EXPECT_TRUE(reports->front().peers_known);
  EXPECT_FALSE(reports->front().headends_known);
  EXPECT_EQ(reports->front().peers,
            (std::vector<Delivery>{{.peer = "10.99.0.2", .established = true, .sent = true},
                                   {.peer = "10.99.0.3", .reason = "the session is ACTIVE"}}));
}

TEST_F(GobgpTest, EditsReplaceAndWithdrawalsTakeAway) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  const auto node = peer();
  ASSERT_TRUE(backend->announce({simple(), everything()}));
  ASSERT_TRUE(run_until([&] { return node->routes.size() == 2; }));

  auto edited = simple();
  edited.tunnel.lists[0].segments[0] = bgp::Segment::of(sid("fcff:7::1"));
  ASSERT_TRUE(backend->announce({edited}));
  ASSERT_TRUE(run_until([&] { return received(*node, "4:94:fd12::1000") == edited.tunnel; }));

  ASSERT_TRUE(backend->withdraw({everything().key, key(99, 99, "fd99::")}))
      << "one that is not there is no error";
  ASSERT_TRUE(run_until([&] { return node->routes.size() == 1; }));
  EXPECT_EQ(policies(*backend), std::vector{edited});

  ASSERT_TRUE(backend->replace({everything()}));
  ASSERT_TRUE(run_until(
      [&] { return node->routes.contains("7:100:fd12::1000") && node->routes.size() == 1; }));
  EXPECT_EQ(policies(*backend), std::vector{everything()});
}

TEST_F(GobgpTest, WatchTellsWhatIsThereAndWhatChanges) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(backend->announce({simple()}));
  const auto other = connect();
  auto edited = everything();
  edited.tunnel.preference = 1;
  std::vector<std::pair<Kind, PolicyKey>> seen;
  // Each event brings about the next.
  const auto done = backend->watch([&](const PolicyEvent& event) {
    seen.emplace_back(event.kind, event.report.policy.key);
    switch (event.kind) {
      case Kind::kPresent:
        return other->announce({everything()}).has_value();
      case Kind::kAnnounced:
        EXPECT_EQ(event.report.policy, everything());
        return other->announce({edited}).has_value();
      case Kind::kChanged:
        EXPECT_EQ(event.report.policy, edited);
        return other->withdraw({edited.key}).has_value();
      case Kind::kWithdrawn:
        EXPECT_EQ(event.report.policy.name, "gold");
        return false;
    }
    return false;
  });
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(seen, (std::vector<std::pair<Kind, PolicyKey>>{{Kind::kPresent, simple().key},
                                                           {Kind::kAnnounced, everything().key},
                                                           {Kind::kChanged, everything().key},
                                                           {Kind::kWithdrawn, everything().key}}));
}

// Routers leave the weight out (RFC 9830 section 2.4.4.1 makes it optional), and GoBGP 3.10 crashes
// when it is asked for messages of such a list.
TEST_F(GobgpTest, RoutesOfPeersAreNotOursAndDoNotEndGobgp) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  const auto node = peer();
  auto without_weight = simple().tunnel;
  without_weight.lists[0].weight.reset();
  without_weight.candidate_path_name = "main";  // at the very end it would crash GoBGP at once
  bgp::Attributes attributes;
  attributes.origin = bgp::Origin::kIgp;
  attributes.tunnel_encapsulation = bgp::encode_sr_policy(without_weight).value();
  node->speaker.announce(bgp::kSrPolicyIpv6, bgp::key_of(key(1, 2, "fd00::2")), attributes,
                         {.address = ip("fd00::2")});
  GobgpClient client({.host = "127.0.0.1"});
  ASSERT_TRUE(run_until([&] {
    const auto paths = client.paths(apipb::TableType::GLOBAL, bgp::kSrPolicyIpv6);
    return paths && paths->size() == 1;
  })) << "GoBGP has taken it";
  ASSERT_TRUE(backend->announce({simple()}));
  ASSERT_TRUE(run_until([&] { return node->routes.contains("4:94:fd12::1000"); }));

  int events = 0;
  const auto watched = backend->watch([&](const PolicyEvent& event) {
    ++events;
    EXPECT_EQ(event.report.policy.key, simple().key);
    return false;
  });
  EXPECT_TRUE(watched) << watched.error().message();
  EXPECT_EQ(events, 1);
  EXPECT_EQ(policies(*backend), std::vector{simple()});
  EXPECT_TRUE(gobgpd_lives());
}

TEST_F(GobgpTest, ErrorsSayWhatToDo) {
  const auto nobody = connect_gobgp({.host = "127.0.0.1"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().object, "GoBGP at 127.0.0.1:50051");
  EXPECT_EQ(nobody.error().cause, "Connection refused");
  EXPECT_NE(nobody.error().hint.find("gobgpd"), std::string::npos);

  EXPECT_FALSE(connect_gobgp({.host = "no-such-host.invalid", .deadline = 5s}));

  // A port that takes connections and says nothing.
  const UniqueFd silent(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(50052);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(silent.get(), 1), 0);
  const auto mute = connect_gobgp({.host = "127.0.0.1", .port = 50052, .deadline = 300ms});
  ASSERT_FALSE(mute);
  EXPECT_EQ(mute.error().cause, "no answer within 300 ms");

  start_gobgpd({});  // no BGP in it
  Error error;
  ASSERT_TRUE(run_until([&] {
    error = connect_gobgp({.host = "127.0.0.1"}).error();
    return error.cause.find("refused") == std::string::npos;
  }));
  EXPECT_EQ(error.cause, "no BGP server runs in it");
}

TEST_F(GobgpTest, AGobgpThatGoesAwayIsAnErrorAndNotAnEmptyList) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  end_gobgpd();
  EXPECT_FALSE(backend->list());
  EXPECT_FALSE(backend->announce({simple()}));
  EXPECT_FALSE(backend->withdraw({simple().key}));
  EXPECT_FALSE(backend->watch([](const PolicyEvent&) { return true; }));
}

TEST_F(GobgpTest, OfSeveralPoliciesAllGoOrNone) {
  const auto backend = gobgp();
  ASSERT_NE(backend, nullptr);
  auto too_long = simple();
  too_long.name = "long";
  too_long.key.color = {7};
  too_long.tunnel.lists[0].segments.resize(4000, too_long.tunnel.lists[0].segments[0]);
  const auto done = backend->announce({simple(), too_long});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("policy long"), std::string::npos)
      << done.error().message();
  EXPECT_TRUE(policies(*backend).empty());
}

}  // namespace
}  // namespace sextant::injector
