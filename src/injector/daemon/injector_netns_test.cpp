// The injector with real speakers as its peers, and its API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <filesystem>

#include "agent/http_stream.h"
#include "bgp/speaker_fixture_test.h"
#include "injector/daemon/api.h"
#include "injector/daemon/injector.h"
#include "injector/report_json.h"

namespace sextant::injector {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

InjectedPolicy policy(std::uint32_t distinguisher, std::string_view first = "fcff:6::1") {
  InjectedPolicy made{
      .name = "gold",
      .key = {.distinguisher = distinguisher, .color = {94}, .endpoint = bgp::ip("fd12::1000")}};
  made.tunnel.lists.push_back({.segments = {bgp::Segment::of(bgp::ip(first).v6())}});
  return made;
}

bgp::PeerConfig policy_peer(int number) {
  auto peer = bgp::peer_config("127.0.0." + std::to_string(number), 64512);
  peer.families = {{.family = bgp::kSrPolicyIpv6}};
  return peer;
}

class InjectorTest : public bgp::Namespace {
 protected:
  void SetUp() override {
    Namespace::SetUp();
    auto name = (fs::temp_directory_path() / "injector-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }

  /// At 127.0.0.9, with nodes at 127.0.0.1 and so on.
  void start(int count) {
    auto config = bgp::speaker_config(9);
    for (int number = 1; number <= count; ++number)
      config.peers.push_back(bgp::from(9, policy_peer(number)));
    start(std::move(config));
  }
  void start(bgp::SpeakerConfig config) {
    config.forwards_nothing = true;
    auto store = PolicyStore::open(folder);
    ASSERT_TRUE(store) << store.error().message();
    injector = std::make_unique<Injector>(io, std::move(config), std::move(*store));
    api = make_api(*injector);
    const auto started = injector->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  bgp::Node& add_node(int number, bool extended_messages = true) {
    auto config = bgp::speaker_config(number);
    config.peers = {bgp::from(number, policy_peer(9))};
    config.peers.front().extended_messages = extended_messages;
    auto& node = *nodes.emplace_back(std::make_unique<bgp::Node>(io, std::move(config)));
    EXPECT_TRUE(node.speaker.start());
    return node;
  }
  [[nodiscard]] bool sent_to(std::size_t count) {
    return run_until([&] {
      const auto reports = injector->reports();
      return std::ranges::all_of(reports, [&](const PolicyReport& report) {
        return static_cast<std::size_t>(std::ranges::count_if(report.peers, &Delivery::sent)) ==
               count;
      });
    });
  }
  agent::HttpResponse ask(std::string method, std::string target, std::string body = {}) {
    return api({.method = std::move(method), .target = std::move(target), .body = std::move(body)});
  }

  fs::path folder;
  std::vector<std::unique_ptr<bgp::Node>> nodes;
  std::unique_ptr<Injector> injector;
  agent::HttpHandler api;
};

/// The injector's End-of-RIB came.
bool heard_all(const bgp::Node& node) {
  const auto peer = node.speaker.peer(bgp::ip("127.0.0.9"));
  return peer && !peer->families.empty() && peer->families.front().end_of_rib_received;
}

constexpr auto kGold = "4:94:fd12::1000";
constexpr auto kOther = "5:94:fd12::1000";

TEST_F(InjectorTest, TellsItsPeersAndSaysWhoWasTold) {
  auto& node = add_node(1);
  start(2);  // nobody is at 127.0.0.2
  ASSERT_TRUE(injector->announce({policy(4)}));
  ASSERT_TRUE(run_until([&] { return node.routes.contains(kGold); }));
  EXPECT_TRUE(node.routes[kGold].attributes.has(bgp::kNoAdvertise));
  EXPECT_EQ(node.routes[kGold].next_hop.address, bgp::ip("::ffff:127.0.0.9")) << "its own";
  ASSERT_TRUE(sent_to(1));
  const auto report = injector->reports().front();
  EXPECT_TRUE(report.peers_known);
  ASSERT_EQ(report.peers.size(), 2U);
  EXPECT_TRUE(report.peers[0].sent);
  EXPECT_FALSE(report.peers[1].sent);
  EXPECT_THAT(report.peers[1].reason, HasSubstr("the session is "));

  ASSERT_TRUE(injector->replace({policy(5)}));
  ASSERT_TRUE(run_until([&] { return !node.routes.contains(kGold); }));
  EXPECT_TRUE(node.routes.contains(kOther));
  const auto added = std::ranges::find(node.history, std::string("+") + kOther);
  const auto removed = std::ranges::find(node.history, std::string("-") + kGold);
  EXPECT_LE(added, removed) << "new paths before old ones go";
  ASSERT_TRUE(injector->withdraw({policy(5).key}));
  ASSERT_TRUE(run_until([&] { return node.routes.empty(); }));
}

InjectedPolicy deep_policy(std::uint32_t distinguisher, std::size_t segments) {
  auto made = policy(distinguisher);
  auto& list = made.tunnel.lists.front().segments;
  list.resize(segments, list.front());
  return made;
}

// What sessions tell nothing of must not look as if it was sent.
TEST_F(InjectorTest, SaysWhatItsSessionsKeepBack) {
  auto config = bgp::speaker_config(9);
  config.peers.push_back(bgp::from(9, policy_peer(1)));
  config.peers.front().extended_messages = false;
  auto filtered = bgp::from(9, policy_peer(2));
  filtered.export_filter.rules = {{.accept = false,
                                   .name = "not these",
                                   .within = IpPrefix::parse("fd12::/16").value(),
                                   .max_length = 128}};
  config.peers.push_back(filtered);
  start(std::move(config));
  auto& node = add_node(1, false);
  auto& other = add_node(2);
  // RFC 8654 section 4: the second fits no message of 4096 bytes.
  ASSERT_TRUE(injector->announce({deep_policy(4, 190), deep_policy(5, 200)}));
  ASSERT_TRUE(run_until([&] {
    const auto peers = injector->reports().front().peers;
    return node.routes.contains(kGold) && std::ranges::all_of(peers, &Delivery::established);
  }));
  const auto reports = injector->reports();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].peers[0].reason, "");
  EXPECT_EQ(reports[1].peers[0].reason, "it is too long for the peer's messages of 4096 bytes");
  EXPECT_FALSE(reports[1].peers[0].sent);
  for (const auto& report : reports)
    EXPECT_THAT(report.peers[1].reason, HasSubstr("the export filter keeps it back: "));
  ASSERT_TRUE(injector->announce({policy(6)}));  // follows whatever was told before
  ASSERT_TRUE(
      run_until([&] { return node.routes.contains("6:94:fd12::1000") && heard_all(other); }));
  EXPECT_FALSE(node.routes.contains(kOther));
  EXPECT_THAT(other.routes, IsEmpty());
}

// RFC 4724: the peers keep the routes while it is away, and see none of them withdrawn.
TEST_F(InjectorTest, LosesNothingAtARestart) {
  auto& node = add_node(1);
  start(1);
  ASSERT_TRUE(injector->announce({policy(4), policy(5)}));
  ASSERT_TRUE(run_until([&] { return node.routes.size() == 2; }));
  injector.reset();  // without a word to the peer
  ASSERT_TRUE(run_until([&] { return !node.up("127.0.0.9"); }));
  EXPECT_EQ(node.routes.size(), 2U) << "stale, but there";
  start(1);
  ASSERT_TRUE(sent_to(1));
  ASSERT_TRUE(run_until([&] { return heard_all(node); }));
  EXPECT_EQ(node.routes.size(), 2U);
  EXPECT_THAT(node.history, Not(Contains(std::string("-") + kGold)));
  EXPECT_THAT(node.history, Not(Contains(std::string("-") + kOther)));
  // What was withdrawn while it was away does not come back.
  ASSERT_TRUE(injector->withdraw({policy(4).key}));
  ASSERT_TRUE(run_until([&] { return node.routes.size() == 1; }));
}

TEST_F(InjectorTest, IsReconfiguredWithoutTouchingOtherSessions) {
  auto& node = add_node(1);
  start(1);
  ASSERT_TRUE(injector->announce({policy(4)}));
  ASSERT_TRUE(run_until([&] { return node.routes.size() == 1; }));
  auto config = injector->speaker().config();
  config.peers.push_back(bgp::from(9, policy_peer(2)));
  ASSERT_TRUE(injector->configure(config));
  auto& second = add_node(2);
  ASSERT_TRUE(run_until([&] { return second.routes.size() == 1; }));
  EXPECT_EQ(node.speaker.peer(bgp::ip("127.0.0.9"))->counters.established, 1U);
  config.asn = 65000;
  const auto refused = injector->configure(config);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("restart"));
}

TEST_F(InjectorTest, ServesItsApi) {
  auto& node = add_node(1);
  start(1);
  EXPECT_EQ(ask("GET", "/v1/policies").body, "{\"items\":[]}\n");
  const auto stream = ask("GET", "/v1/watch").stream;
  ASSERT_TRUE(stream);
  const auto body = documents_text({policy(4), policy(5)});
  const auto announced = ask("POST", "/v1/policies", body);
  EXPECT_EQ(announced.status, 200U) << announced.body;
  EXPECT_THAT(announced.body, HasSubstr(R"("added":[{"color":94,"endpoint":"fd12::1000",)"));
  ASSERT_TRUE(run_until([&] { return node.routes.size() == 2; }));
  const auto listed = read_reports(ask("GET", "/v1/policies").body);
  ASSERT_TRUE(listed) << listed.error().message();
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ((*listed)[0].policy, policy(4));

  const auto preview = ask("PUT", "/v1/policies?dryRun=true", documents_text({policy(4)}));
  EXPECT_THAT(preview.body, HasSubstr(R"("unchanged":1)"));
  EXPECT_EQ(injector->size(), 2U) << "it was only asked";
  EXPECT_EQ(ask("PUT", "/v1/policies", documents_text({policy(4, "fcff:7::1")})).status, 200U);
  EXPECT_EQ(injector->size(), 1U);
  const auto keys = R"({"keys": [{"color": 94, "endpoint": "fd12::1000", "distinguisher": 4}]})";
  EXPECT_EQ(ask("POST", "/v1/withdraw", keys).status, 200U);
  EXPECT_EQ(injector->size(), 0U);
  ASSERT_TRUE(run_until([&] { return node.routes.empty(); }));
  std::string events;
  ASSERT_TRUE(run_until([&] {
    events += stream->take();
    return events.find("\"Withdrawn\"") != std::string::npos;
  }));
  EXPECT_THAT(events, HasSubstr("\"Announced\""));
}

TEST_F(InjectorTest, RefusesWhatIsNotInOrder) {
  start(1);
  for (const auto& [method, target, body, status, words] :
       std::vector<std::tuple<const char*, const char*, std::string, unsigned, const char*>>{
           {"PUT", "/v1/policies", "", 400, "policies are needed"},
           {"POST", "/v1/policies", "{\"items\": [{}]}", 400, "without 'kind'"},
           {"POST", "/v1/policies", "[", 400, "request:"},
           {"POST", "/v1/policies",
            "{nlri: {distinguisher: 1, color: 1, endpoint: \"fd12::1\"}, iswithdraw: true}", 400,
            "POST /v1/withdraw"},
           {"POST", "/v1/withdraw", "[]", 400, "keys"},
           {"POST", "/v1/withdraw", R"({"keys": [{"color": -1}]})", 400, "is no key"},
           {"DELETE", "/v1/policies", "", 405, "GET, POST, PUT"},
           {"GET", "/v1/nothing", "", 404, "/v1/policies"}}) {
    const auto answer = ask(method, target, body);
    EXPECT_EQ(answer.status, status) << method << " " << target;
    EXPECT_THAT(answer.body, HasSubstr(words));
  }
  EXPECT_EQ(ask("GET", "/healthz").status, 503U) << "its only peer is away";
  EXPECT_EQ(ask("GET", "/readyz").status, 200U);
  EXPECT_THAT(ask("GET", "/v1/bgp/peers").body, HasSubstr("127.0.0.1"));
  ASSERT_TRUE(injector->announce({policy(4)}));
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("sextant_injector_policies_unsent 1"));
}

}  // namespace
}  // namespace sextant::injector
