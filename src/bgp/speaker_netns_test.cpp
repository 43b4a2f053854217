// Two or three speakers over loopback, through what they do together.
#include <gtest/gtest.h>

#include "bgp/speaker.h"
#include "bgp/speaker_fixture_test.h"

namespace sextant::bgp {
namespace {

using Routes = std::vector<std::string>;

class SpeakerTest : public Namespace {
 protected:
  Node& add(SpeakerConfig config) {
    nodes.push_back(std::make_unique<Node>(io, std::move(config)));
    const auto started = nodes.back()->speaker.start();
    EXPECT_TRUE(started) << started.error().message();
    return *nodes.back();
  }
  /// 127.0.0.1 and 127.0.0.2, in the same AS unless told otherwise.
  std::pair<Node&, Node&> pair(const std::function<void(PeerConfig&)>& change = {},
                               std::uint32_t second_as = 64512) {
    auto first = speaker_config(1);
    auto second = speaker_config(2, second_as);
    first.peers = {from(1, peer_config("127.0.0.2", second_as))};
    second.peers = {from(2, peer_config("127.0.0.1", 64512))};
    if (change) {
      change(first.peers[0]);
      change(second.peers[0]);
    }
    auto& a = add(first);
    return {a, add(second)};
  }
  [[nodiscard]] bool both_up(const Node& a, const Node& b) {
    return run_until([&] { return a.up("127.0.0.2") && b.up("127.0.0.1"); });
  }

  std::vector<std::unique_ptr<Node>> nodes;
};

Attributes policy_attributes() {
  Attributes attributes;
  attributes.origin = Origin::kIgp;
  attributes.communities = {kNoAdvertise};
  return attributes;
}

TEST_F(SpeakerTest, AnnouncesAndWithdrawsRoutes) {
  auto [a, b] = pair();
  a.announce("10.1.0.0/16", "10.0.0.1");
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(both_up(a, b)) << a.last_error("127.0.0.2") << "; " << b.last_error("127.0.0.1");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 2; }));
  EXPECT_EQ(b.routes.at("10.1.0.0/16").next_hop.address, ip("10.0.0.1"));
  EXPECT_EQ(b.routes.at("fd01::/64").next_hop.address, ip("fd00::1"));

  a.announce("fd02::/64", "fd00::1");  // while the session is up
  a.withdraw("10.1.0.0/16");
  ASSERT_TRUE(run_until(
      [&] { return b.routes.contains("fd02::/64") && !b.routes.contains("10.1.0.0/16"); }));

  const auto info = b.speaker.peer(ip("127.0.0.1")).value();
  EXPECT_TRUE(info.negotiated->internal);
  EXPECT_EQ(info.negotiated->send_limit, kMaxExtendedMessage);
  EXPECT_EQ(info.families[1].received, 2U);
  EXPECT_TRUE(info.families[1].end_of_rib_received);
  EXPECT_EQ(info.counters.established, 1U);
}

TEST_F(SpeakerTest, BothConnectAtOnceAndOneConnectionStays) {
  auto [a, b] = pair();
  ASSERT_TRUE(both_up(a, b));
  run_for(300ms);  // nothing tears it down again
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->counters.established, 1U);
  EXPECT_EQ(b.speaker.peer(ip("127.0.0.1"))->counters.established, 1U);
  EXPECT_TRUE(a.up("127.0.0.2") && b.up("127.0.0.1"));
}

TEST_F(SpeakerTest, OneSideOnlyWaits) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.peers[0].mode = ConnectMode::kPassive;
  auto second = speaker_config(2);
  second.listen.clear();  // somebody else has the port
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  second.peers[0].mode = ConnectMode::kActive;
  auto& a = add(first);
  auto& b = add(second);
  ASSERT_TRUE(both_up(a, b)) << b.last_error("127.0.0.1");
  EXPECT_TRUE(b.speaker.listening().empty());
}

TEST_F(SpeakerTest, APeerThatStartsLaterIsReached) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  auto& a = add(first);
  ASSERT_TRUE(run_until([&] { return !a.last_error("127.0.0.2").empty(); }));
  EXPECT_EQ(a.last_error("127.0.0.2"), "connect to BGP peer 127.0.0.2:1790: Connection refused");
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  auto& b = add(second);
  ASSERT_TRUE(both_up(a, b));
}

TEST_F(SpeakerTest, APeerThatOnlyWaitsIsReachedSoonAfterItsStart) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.peers[0].connect_retry = 100s;
  auto& a = add(first);
  ASSERT_TRUE(run_until([&] { return !a.last_error("127.0.0.2").empty(); }));
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  second.peers[0].mode = ConnectMode::kPassive;
  auto& b = add(second);
  ASSERT_TRUE(both_up(a, b));
}

TEST_F(SpeakerTest, MessagesAreSignedWithMd5) {
  auto [a, b] = pair([](PeerConfig& peer) { peer.md5_password = "secret"; });
  ASSERT_TRUE(both_up(a, b)) << a.last_error("127.0.0.2");
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
}

TEST_F(SpeakerTest, AnUnsignedPeerIsNotHeard) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.peers[0].md5_password = "secret";
  first.peers[0].mode = ConnectMode::kPassive;
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  auto& a = add(first);
  auto& b = add(second);
  run_for(500ms);
  EXPECT_FALSE(b.up("127.0.0.1"));
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->counters.received.opens, 0U);
  // The key is taken away while everything runs.
  auto open = first.peers[0];
  open.md5_password.clear();
  ASSERT_TRUE(a.speaker.change_peer(open));
  ASSERT_TRUE(both_up(a, b));
}

TEST_F(SpeakerTest, GtsmTakesOnlyWhatComesFromNear) {
  {
    auto [a, b] = pair([](PeerConfig& peer) { peer.gtsm_hops = 1; });
    ASSERT_TRUE(both_up(a, b));
  }
  nodes.clear();
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.peers[0].gtsm_hops = 1;
  first.peers[0].mode = ConnectMode::kPassive;
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};  // sends with the system's TTL, 64
  auto& a = add(first);
  auto& b = add(second);
  run_for(500ms);
  EXPECT_FALSE(a.up("127.0.0.2"));
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->counters.received.opens, 0U);
  EXPECT_FALSE(b.up("127.0.0.1"));
}

TEST_F(SpeakerTest, TakesPeersOfAPrefixAsTheyCome) {
  auto first = speaker_config(1);
  first.peers = {peer_config("127.0.0.0/24", 64512)};
  first.peers[0].max_dynamic = 2;
  first.peers[0].md5_password = "all of you";
  auto& a = add(first);
  for (const int number : {2, 3, 4}) {
    auto config = speaker_config(number);
    config.peers = {from(number, peer_config("127.0.0.1", 64512))};
    config.peers[0].md5_password = "all of you";
    add(config);
  }
  ASSERT_TRUE(run_until([&] { return a.up("127.0.0.2") && a.up("127.0.0.3"); }));
  run_for(200ms);
  EXPECT_EQ(a.speaker.peers().size(), 2U);  // the third one is one too many
  EXPECT_TRUE(a.speaker.peer(ip("127.0.0.2"))->dynamic);

  nodes[1]->speaker.stop("going home");  // leaves its place to the one that waits
  ASSERT_TRUE(run_until([&] { return a.up("127.0.0.4"); }));
  EXPECT_FALSE(a.speaker.peer(ip("127.0.0.2")));
}

// Its session and routes are those of the peer that came from the prefix: both begin anew.
TEST_F(SpeakerTest, APeerOfAPrefixIsConfiguredByItsAddressLater) {
  auto first = speaker_config(1);
  first.peers = {peer_config("127.0.0.0/24", 64512)};
  auto& a = add(first);
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  auto& b = add(second);
  b.announce("fd02::/64", "fd00::2");
  ASSERT_TRUE(run_until([&] { return a.routes.contains("fd02::/64"); }));
  auto named = from(1, peer_config("127.0.0.2", 64512));
  named.import_filter.accept_others = false;
  ASSERT_TRUE(a.speaker.add_peer(named));
  EXPECT_EQ(a.speaker.peers().size(), 1U);
  EXPECT_FALSE(a.speaker.peer(ip("127.0.0.2"))->dynamic);
  ASSERT_TRUE(run_until([&] { return a.routes.empty() && a.up("127.0.0.2"); }));
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
  EXPECT_FALSE(a.routes.contains("fd02::/64")) << "its filter";
}

TEST_F(SpeakerTest, StopTellsThePeersOperatorWhy) {
  auto [a, b] = pair();
  ASSERT_TRUE(both_up(a, b));
  a.speaker.stop("maintenance until noon");
  ASSERT_TRUE(run_until([&] { return !b.up("127.0.0.1"); }));
  EXPECT_NE(b.last_error("127.0.0.1").find("maintenance until noon"), std::string::npos)
      << b.last_error("127.0.0.1");
}

TEST_F(SpeakerTest, PeersComeAndGoWithoutTouchingTheOthers) {
  auto [a, b] = pair();
  ASSERT_TRUE(both_up(a, b));
  auto third = speaker_config(3);
  third.peers = {from(3, peer_config("127.0.0.1", 64512))};
  auto& c = add(third);
  ASSERT_TRUE(a.speaker.add_peer(from(1, peer_config("127.0.0.3", 64512))));
  EXPECT_FALSE(a.speaker.add_peer(from(1, peer_config("127.0.0.3", 64512)))) << "there already";
  ASSERT_TRUE(run_until([&] { return a.up("127.0.0.3") && c.up("127.0.0.1"); }));

  c.announce("fd03::/64", "fd00::3");
  ASSERT_TRUE(run_until([&] { return a.routes.contains("fd03::/64"); }));
  ASSERT_TRUE(a.speaker.remove_peer(prefix("127.0.0.3/32")));
  ASSERT_TRUE(run_until([&] { return !a.routes.contains("fd03::/64"); }));
  ASSERT_TRUE(run_until([&] {
    return c.last_error("127.0.0.1").find("De-configured") != std::string::npos ||
           c.last_error("127.0.0.1").find("Deconfigured") != std::string::npos;
  })) << c.last_error("127.0.0.1");
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->counters.established, 1U);
  EXPECT_TRUE(a.up("127.0.0.2"));

  // What needs no new session does not make one; what does, does.
  auto changed = from(1, peer_config("127.0.0.2", 64512));
  changed.description = "the other one";
  changed.families[0].max_prefixes.limit = 10;
  ASSERT_TRUE(a.speaker.change_peer(changed));
  run_for(100ms);
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->counters.established, 1U);
  changed.hold_time = 30s;
  ASSERT_TRUE(a.speaker.change_peer(changed));
  ASSERT_TRUE(run_until([&] {
    const auto peer = a.speaker.peer(ip("127.0.0.2"));
    return peer->counters.established == 2 && peer->state == State::kEstablished;
  }));
  EXPECT_EQ(a.speaker.peer(ip("127.0.0.2"))->negotiated->hold_time, 30s);
}

TEST_F(SpeakerTest, TooManyPrefixesEndTheSessionUntilTheRestartTime) {
  auto [a, b] = pair([](PeerConfig& peer) {
    if (peer.address == prefix("127.0.0.1/32")) {
      peer.families[1].max_prefixes = {.limit = 2, .restart = 1s};
    }
  });
  ASSERT_TRUE(both_up(a, b));
  for (const auto* route : {"fd01::/64", "fd02::/64"}) a.announce(route, "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 2; }));
  a.announce("fd03::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.empty(); }));
  EXPECT_EQ(b.last_error("127.0.0.1"), "Cease / Maximum Number of Prefixes Reached");
  a.withdraw("fd03::/64");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 2; }));
  EXPECT_TRUE(b.up("127.0.0.1"));
}

TEST_F(SpeakerTest, TooManyPrefixesEndTheSessionUntilTheOperatorStartsIt) {
  auto [a, b] = pair([](PeerConfig& peer) {
    peer.connect_retry = 100s;
    if (peer.address == prefix("127.0.0.1/32")) peer.families[1].max_prefixes = {.limit = 1};
  });
  for (const auto* route : {"fd01::/64", "fd02::/64"}) a.announce(route, "fd00::1");
  ASSERT_TRUE(run_until([&] { return !b.last_error("127.0.0.1").empty() && b.routes.empty(); }));
  run_for(300ms);
  EXPECT_EQ(b.speaker.peer(ip("127.0.0.1"))->state, State::kIdle);
  a.withdraw("fd02::/64");
  ASSERT_TRUE(b.speaker.reset_peer(ip("127.0.0.1"), ""));
  EXPECT_TRUE(run_until([&] { return b.up("127.0.0.1") && b.routes.size() == 1; }));
}

TEST_F(SpeakerTest, Ipv4RoutesGoThroughIpv6NextHops) {
  auto [a, b] = pair([](PeerConfig& peer) { peer.families[0].extended_next_hop = true; });
  a.announce("10.1.0.0/16", "fd00::1");
  ASSERT_TRUE(both_up(a, b));
  ASSERT_TRUE(run_until([&] { return b.routes.contains("10.1.0.0/16"); }));
  EXPECT_EQ(b.routes.at("10.1.0.0/16").next_hop.address, ip("fd00::1"));
}

TEST_F(SpeakerTest, ARefreshTellsEverythingAgain) {
  auto [a, b] = pair();
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
  const auto before = b.speaker.peer(ip("127.0.0.1"))->counters.received.updates;
  ASSERT_TRUE(b.speaker.refresh_peer(ip("127.0.0.1")));
  ASSERT_TRUE(run_until([&] {
    const auto counters = b.speaker.peer(ip("127.0.0.1"))->counters;
    return counters.received.updates > before && counters.received.refreshes >= 6;  // begin, end
  }));
  EXPECT_TRUE(b.routes.contains("fd01::/64"));
  EXPECT_EQ(std::ranges::count(b.history, "-fd01::/64"), 0);
}

TEST_F(SpeakerTest, ReflectsBetweenItsClients) {
  auto reflector = speaker_config(1);
  reflector.peers = {from(1, peer_config("127.0.0.2", 64512)),
                     from(1, peer_config("127.0.0.3", 64512))};
  for (auto& peer : reflector.peers) peer.route_reflector_client = true;
  auto& rr = add(reflector);
  std::vector<Node*> clients;
  for (const int number : {2, 3}) {
    auto config = speaker_config(number);
    config.peers = {from(number, peer_config("127.0.0.1", 64512))};
    clients.push_back(&add(config));
  }
  clients[0]->announce("fd02::/64", "fd00::2");
  ASSERT_TRUE(run_until([&] { return clients[1]->routes.contains("fd02::/64"); }));
  const auto& route = clients[1]->routes.at("fd02::/64");
  EXPECT_EQ(route.next_hop.address, ip("fd00::2"));
  EXPECT_EQ(route.attributes.originator_id, ipv4("10.0.0.2"));
  EXPECT_EQ(route.attributes.cluster_list, std::vector{ipv4("10.0.0.1")});
  EXPECT_TRUE(rr.routes.contains("fd02::/64"));
  clients[0]->speaker.stop("");
  ASSERT_TRUE(run_until([&] { return clients[1]->routes.empty() && rr.routes.empty(); }));
}

// RFC 4724, the helper's role: a peer that goes without a word.
TEST_F(SpeakerTest, KeepsTheRoutesOfAPeerThatRestarts) {
  auto [a, b] = pair();
  a.announce("fd01::/64", "fd00::1");
  a.announce("fd02::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 2; }));
  nodes.erase(nodes.begin());  // killed
  ASSERT_TRUE(run_until([&] { return !b.up("127.0.0.1"); }));
  run_for(200ms);
  EXPECT_EQ(b.routes.size(), 2U);
  EXPECT_TRUE(b.speaker.peer(ip("127.0.0.1"))->families[1].stale);

  // It comes back with one of the two.
  auto again = speaker_config(1);
  again.peers = {from(1, peer_config("127.0.0.2", 64512))};
  again.restarting = true;
  auto& returned = add(again);
  returned.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return !b.routes.contains("fd02::/64"); }));
  EXPECT_TRUE(b.routes.contains("fd01::/64"));
  EXPECT_EQ(std::ranges::count(b.history, "-fd01::/64"), 0);
  EXPECT_FALSE(b.speaker.peer(ip("127.0.0.1"))->families[1].stale);
}

TEST_F(SpeakerTest, GivesUpOnAPeerThatDoesNotComeBack) {
  auto [a, b] = pair([](PeerConfig& peer) { peer.graceful_restart.restart_time = 1s; });
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 1; }));
  nodes.erase(nodes.begin());
  ASSERT_TRUE(run_until([&] { return !b.up("127.0.0.1"); }));
  EXPECT_EQ(b.routes.size(), 1U);
  const auto down = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return b.routes.empty(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - down, 900ms);
}

TEST_F(SpeakerTest, ARestartWithoutForwardingStateLosesTheStaleRoutesAtOnce) {
  auto [a, b] = pair();
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.size() == 1; }));
  nodes.erase(nodes.begin());
  ASSERT_TRUE(run_until([&] { return !b.up("127.0.0.1"); }));
  auto again = speaker_config(1);  // restarting is false: the F bits are 0
  again.peers = {from(1, peer_config("127.0.0.2", 64512))};
  add(again);
  ASSERT_TRUE(run_until([&] { return b.routes.empty(); }));
}

// RFC 4724, the restarting role.
TEST_F(SpeakerTest, TellsNothingBeforeAllPeersToldTheirRoutes) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512)),
                 from(1, peer_config("127.0.0.3", 64512))};
  first.restarting = true;
  first.restart_deferral = 3s;
  auto& a = add(first);
  a.announce("fd01::/64", "fd00::1");
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  auto& b = add(second);
  b.announce("fd02::/64", "fd00::2");
  ASSERT_TRUE(both_up(a, b));
  run_for(300ms);  // the third one is not there yet
  EXPECT_TRUE(a.routes.empty());
  EXPECT_FALSE(b.routes.contains("fd01::/64"));
  EXPECT_EQ(a.converged, 0);
  auto third = speaker_config(3);
  third.peers = {from(3, peer_config("127.0.0.1", 64512))};
  add(third);
  ASSERT_TRUE(run_until([&] { return a.converged == 1; }));
  EXPECT_TRUE(a.routes.contains("fd02::/64")) << "what was told is there when convergence is";
  ASSERT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
}

// FRR sets the R bit for minutes after its start, when it knows all the routes long since.
TEST_F(SpeakerTest, WaitsForTheRoutesOfAPeerThatSaysItRestartsToo) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.restarting = true;
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  second.restarting = true;
  second.restart_patience = 1ms;
  auto& a = add(first);
  auto& b = add(second);
  b.announce("fd02::/64", "fd00::2");
  ASSERT_TRUE(run_until([&] { return a.converged == 1; }, 3s));
  EXPECT_TRUE(a.routes.contains("fd02::/64"));
}

TEST_F(SpeakerTest, TwoThatRestartDoNotWaitForEachOtherForLong) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  for (auto* config : {&first, &second}) {
    config->restarting = true;
    config->restart_patience = 500ms;
  }
  auto& a = add(first);
  auto& b = add(second);
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return a.converged == 1 && b.converged == 1; }, 3s));
  EXPECT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
}

TEST_F(SpeakerTest, WaitsNoLongerThanTheDeferralForPeersThatAreGone) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64512))};
  first.restarting = true;
  first.restart_deferral = 1s;
  auto& a = add(first);
  run_for(300ms);
  EXPECT_EQ(a.converged, 0);
  ASSERT_TRUE(run_until([&] { return a.converged == 1; }, 3s));
}

TEST_F(SpeakerTest, AnotherAsThanConfiguredIsRefused) {
  auto first = speaker_config(1);
  first.peers = {from(1, peer_config("127.0.0.2", 64513))};
  auto second = speaker_config(2);
  second.peers = {from(2, peer_config("127.0.0.1", 64512))};
  auto& a = add(first);
  auto& b = add(second);
  ASSERT_TRUE(run_until([&] {
    return b.last_error("127.0.0.1").find("Bad Peer AS") != std::string::npos;
  })) << b.last_error("127.0.0.1");
  EXPECT_FALSE(a.up("127.0.0.2"));
}

TEST_F(SpeakerTest, ExternalPeersSeeOurAsInThePath) {
  auto [a, b] = pair({}, 64513);
  a.announce("fd01::/64", "fd00::1");
  ASSERT_TRUE(run_until([&] { return b.routes.contains("fd01::/64"); }));
  EXPECT_EQ(b.routes.at("fd01::/64").attributes.as_path.to_string(), "64512");
  EXPECT_FALSE(b.speaker.peer(ip("127.0.0.1"))->negotiated->internal);
}

TEST_F(SpeakerTest, ManyRoutesGoOverInExtendedMessages) {
  auto [a, b] = pair();
  constexpr int kRoutes = 20000;
  for (int i = 0; i < kRoutes; ++i) {
    a.announce("fd01:0:" + std::to_string(i / 5000) + ":" + std::to_string(i % 5000) + "::/64",
               "fd00::1");
  }
  ASSERT_TRUE(run_until([&] { return b.routes.size() == kRoutes; }, 20s)) << b.routes.size();
  const auto counters = b.speaker.peer(ip("127.0.0.1"))->counters;
  EXPECT_LT(counters.received.updates, 20U);
  EXPECT_LT(b.batches, 50U);
}

TEST_F(SpeakerTest, SrPoliciesGoToThePeers) {
  auto [a, b] = pair([](PeerConfig& peer) { peer.dialect = SrPolicyDialect::kCalicoVpp; });
  SrPolicyNlri nlri;
  nlri.distinguisher = 4;
  nlri.color = srv6::Color{94};
  nlri.endpoint = ip("fd12::1000");
  ASSERT_TRUE(both_up(a, b));
  auto attributes = policy_attributes();
  attributes.communities.clear();
  a.speaker.announce(kSrPolicyIpv6, key_of(nlri), attributes, {.address = ip("fd00::1")});
  // Without a Tunnel Encapsulation attribute it is malformed (RFC 9830 section 5): not taken, and
  // the reason is kept.
  ASSERT_TRUE(run_until([&] { return !b.speaker.rib().rejected().empty(); }));
  EXPECT_EQ(to_string(kSrPolicyIpv6, b.speaker.rib().rejected().routes().front().key),
            "4:94:fd12::1000");
  EXPECT_TRUE(b.up("127.0.0.1")) << "RFC 7606: the session stays";
}

}  // namespace
}  // namespace sextant::bgp
