// A peer that breaks rules: what is sent back, and that nothing of it hurts.
#include <gtest/gtest.h>

#include "bgp/speaker_fixture_test.h"
#include "bgp/wire/route_refresh.h"

namespace sextant::bgp {
namespace {

using Hex = std::vector<std::uint8_t>;

class HostilePeer : public Namespace {
 protected:
  void SetUp() override {
    Namespace::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    config = speaker_config(1);
    config.peers = {from(1, peer_config("127.0.0.9", 64512))};
    config.peers[0].mode = ConnectMode::kPassive;
  }
  Node& start() {
    node = std::make_unique<Node>(io, config);
    const auto started = node->speaker.start();
    EXPECT_TRUE(started) << started.error().message();
    return *node;
  }
  [[nodiscard]] Script script(int number = 9) {
    return {number, [this](const std::function<bool()>& done, std::chrono::milliseconds limit) {
              return run_until(done, limit);
            }};
  }
  /// Connects again until the speaker, in its idle hold time, takes it.
  [[nodiscard]] bool connect(Script& peer) {
    return run_until(
               [&] { return node->speaker.peer(ip("127.0.0.9"))->state == State::kActive; }) &&
           peer.connect("127.0.0.1");
  }

  SpeakerConfig config;
  std::unique_ptr<Node> node;
};

Hex message(std::uint8_t type, Hex body) {
  return encode_message(static_cast<MessageType>(type), body);
}
Hex with(Hex bytes, std::size_t at, std::uint8_t value) {
  bytes.at(at) = value;
  return bytes;
}

struct Offence {
  std::string name;
  State state;  // in which the speaker is when it comes
  Hex bytes;
  std::string answer;  // the beginning of it
};

std::vector<Offence> offences() {
  const auto keepalive = encode_keepalive();
  Open open;
  open.asn = 64512;
  open.hold_time = 90;
  open.identifier = ipv4("10.0.0.99");
  open.capabilities.families = {kIpv6Unicast};
  open.capabilities.four_octet_as = 64512;
  const auto good = encode(open);
  auto changed = [&](auto change) {
    Open other = open;
    change(other);
    return encode(other);
  };
  const Hex empty_update = message(2, {0, 0, 0, 0});
  return {
      // RFC 4271 section 6.1
      {"marker", State::kOpenSent, with(good, 3, 0), "Message Header Error"},
      {"length under 19", State::kOpenSent, with(with(keepalive, 16, 0), 17, 18),
       "Message Header Error"},
      {"length above the limit", State::kOpenSent, with(with(good, 16, 0xff), 17, 0xff),
       "Message Header Error"},
      {"a KEEPALIVE with a body", State::kEstablished, message(4, {1}), "Message Header Error"},
      {"unknown type", State::kEstablished, message(9, {}), "Message Header Error"},
      {"garbage", State::kOpenSent, Hex(400, 0x47), "Message Header Error"},
      // RFC 4271 section 6.2
      {"version 3", State::kOpenSent, with(good, 19, 3), "OPEN Message Error"},
      {"AS 0", State::kOpenSent,
       changed([](Open& o) { o.asn = 0, o.capabilities.four_octet_as = 0; }), "OPEN Message Error"},
      {"another AS", State::kOpenSent,
       changed([](Open& o) { o.asn = 64999, o.capabilities.four_octet_as = 64999; }),
       "OPEN Message Error"},
      {"hold time 1", State::kOpenSent, changed([](Open& o) { o.hold_time = 1; }),
       "OPEN Message Error"},
      {"identifier 0", State::kOpenSent, changed([](Open& o) { o.identifier = {}; }),
       "OPEN Message Error"},
      {"our identifier", State::kOpenSent,
       changed([](Open& o) { o.identifier = ipv4("10.0.0.1"); }), "OPEN Message Error"},
      {"parameters that overrun", State::kOpenSent, with(good, 28, 200), "OPEN Message Error"},
      {"no common family", State::kOpenSent,
       changed([](Open& o) { o.capabilities.families = {kVpnv4}; }), "OPEN Message Error"},
      // RFC 6608
      {"KEEPALIVE before OPEN", State::kOpenSent, keepalive, "Finite State Machine Error"},
      {"UPDATE before OPEN", State::kOpenSent, empty_update, "Finite State Machine Error"},
      {"UPDATE before KEEPALIVE", State::kOpenConfirm, empty_update, "Finite State Machine Error"},
      {"ROUTE-REFRESH before KEEPALIVE", State::kOpenConfirm, message(5, {0, 2, 0, 1}),
       "Finite State Machine Error"},
      {"OPEN twice", State::kOpenConfirm, good, "Finite State Machine Error"},
      {"OPEN while Established", State::kEstablished, good, "Finite State Machine Error"},
      // RFC 7606 section 3: NLRI that cannot be parsed
      {"withdrawn routes that overrun", State::kEstablished, message(2, {0, 9, 0, 0}),
       "UPDATE Message Error"},
      {"attributes that overrun", State::kEstablished, message(2, {0, 0, 0, 9}),
       "UPDATE Message Error"},
      {"a prefix of 33 bits", State::kEstablished, message(2, {0, 2, 33, 10, 0, 0}),
       "UPDATE Message Error"},
      // RFC 7313 section 5
      {"ROUTE-REFRESH of three bytes", State::kEstablished, message(5, {0, 2, 0}),
       "ROUTE-REFRESH Message Error"},
  };
}

TEST_F(HostilePeer, IsToldWhatItDidWrong) {
  auto& speaker = start();
  for (const auto& offence : offences()) {
    SCOPED_TRACE(offence.name);
    auto peer = script();
    ASSERT_TRUE(connect(peer));
    ASSERT_FALSE(peer.receive(MessageType::kOpen).empty());
    if (offence.state != State::kOpenSent) {
      peer.send(encode(peer.open()));
      ASSERT_FALSE(peer.receive(MessageType::kKeepalive).empty());
    }
    if (offence.state == State::kEstablished) {
      peer.send(encode_keepalive());
      ASSERT_TRUE(run_until([&] { return speaker.up("127.0.0.9"); }));
    }
    peer.send(offence.bytes);
    const auto answer = peer.farewell();
    EXPECT_EQ(answer.substr(0, offence.answer.size()), offence.answer) << answer;
    EXPECT_TRUE(peer.closed());
  }
  // After all of that it is still a speaker like any other.
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  EXPECT_TRUE(peer.establish());
}

TEST_F(HostilePeer, ThatFallsSilentIsGivenUp) {
  start();
  auto peer = script();
  peer.hold_time = 3;
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  const auto since = std::chrono::steady_clock::now();
  EXPECT_EQ(peer.farewell(), "Hold Timer Expired");
  const auto waited = std::chrono::steady_clock::now() - since;
  EXPECT_GE(waited, 2900ms);
  EXPECT_LE(waited, 4000ms);
}

TEST_F(HostilePeer, ThatSpeaksIsKeptAliveAndTold) {
  start();
  auto peer = script();
  peer.hold_time = 3;
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  // RFC 4271 section 4.4: about a third of the hold time apart.
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(peer.receive(MessageType::kKeepalive, 1100ms).empty());
    peer.send(encode_keepalive());
  }
  EXPECT_TRUE(node->up("127.0.0.9"));
}

TEST_F(HostilePeer, ThatSendsByteByByteIsUnderstood) {
  start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  auto bytes = encode(peer.open());
  const auto keepalive = encode_keepalive();
  bytes.insert(bytes.end(), keepalive.begin(), keepalive.end());
  for (const auto byte : bytes) {
    peer.send(std::span(&byte, 1));
    EXPECT_TRUE(run_until([&] { return io.poll_one() == 0; }));
  }
  ASSERT_TRUE(run_until([&] { return node->up("127.0.0.9"); }));
}

// What comes in crumbs is no message: the hold timer runs on.
TEST_F(HostilePeer, ThatNeverFinishesAMessageIsGivenUp) {
  start();
  auto peer = script();
  peer.hold_time = 3;
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  Hex endless(19, 0xff);
  endless[16] = 0x10;
  endless[17] = 0;
  endless[18] = 2;
  peer.send(endless);
  const std::uint8_t crumb = 0;
  while (!peer.closed(200ms)) {
    peer.send(std::span(&crumb, 1));
    if (!node->up("127.0.0.9")) break;
  }
  EXPECT_NE(node->last_error("127.0.0.9").find("hold time"), std::string::npos)
      << node->last_error("127.0.0.9");
}

TEST_F(HostilePeer, ThatTakesNothingCostsABoundedQueue) {
  config.send_queue = 256 * 1024;
  auto& speaker = start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  const int small = 4096;
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  // More than the kernel's buffers hold: 8,000 sets of attributes of some 4 KB each.
  Attributes attributes;
  attributes.communities.resize(1000);
  for (std::uint32_t i = 0; i < 8000; ++i) {
    attributes.communities[0].value = i;
    speaker.announce("fd01:0:0:" + std::to_string(i) + "::/64", "fd00::1", attributes);
  }
  run_for(1500ms);
  const auto info = speaker.speaker.peer(ip("127.0.0.9")).value();
  EXPECT_GT(info.queued_bytes, 0U) << "the peer's window should be shut";
  EXPECT_LE(info.queued_bytes, config.send_queue + 2 * kMaxExtendedMessage);
  EXPECT_EQ(info.state, State::kEstablished);
}

// RFC 4271 section 6.8, with a peer whose identifier is higher than ours: its connection stays.
TEST_F(HostilePeer, ConnectionsCollideAndThePeersStays) {
  config.peers[0].mode = ConnectMode::kBoth;
  start();
  auto theirs = script();
  auto ours = script();
  ASSERT_TRUE(ours.accept());  // the speaker's connection
  ASSERT_FALSE(ours.receive(MessageType::kOpen).empty());
  ASSERT_TRUE(theirs.connect("127.0.0.1"));
  ASSERT_FALSE(theirs.receive(MessageType::kOpen).empty());
  theirs.send(encode(theirs.open()));
  EXPECT_EQ(ours.farewell(), "Cease / Connection Collision Resolution");
  theirs.send(encode_keepalive());
  ASSERT_TRUE(run_until([&] { return node->up("127.0.0.9"); }));
}

TEST_F(HostilePeer, ConnectionsCollideAndOursStays) {
  config.peers[0].mode = ConnectMode::kBoth;
  config.router_id = ipv4("10.0.0.200");
  start();
  auto theirs = script();
  auto ours = script();
  ASSERT_TRUE(ours.accept());
  ASSERT_FALSE(ours.receive(MessageType::kOpen).empty());
  ASSERT_TRUE(theirs.connect("127.0.0.1"));
  ASSERT_FALSE(theirs.receive(MessageType::kOpen).empty());
  theirs.send(encode(theirs.open()));
  EXPECT_EQ(theirs.farewell(), "Cease / Connection Collision Resolution");
  ours.send(encode(ours.open()));
  ours.send(encode_keepalive());
  ASSERT_TRUE(run_until([&] { return node->up("127.0.0.9"); }));
}

TEST_F(HostilePeer, ASecondConnectionDoesNotEndAnEstablishedOne) {
  start();
  auto first = script();
  ASSERT_TRUE(connect(first));
  ASSERT_TRUE(first.establish());
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  ASSERT_FALSE(second.receive(MessageType::kOpen).empty());
  second.send(encode(second.open()));
  EXPECT_EQ(second.farewell(), "Cease / Connection Collision Resolution");
  EXPECT_TRUE(node->up("127.0.0.9"));
  EXPECT_EQ(node->speaker.peer(ip("127.0.0.9"))->counters.established, 1U);
}

// RFC 4724 section 4.2: the peer came back before its old connection was seen to end.
TEST_F(HostilePeer, ASecondConnectionReplacesTheOneOfARestartedPeer) {
  start();
  auto first = script();
  ASSERT_TRUE(connect(first));
  auto open = first.open();
  open.capabilities.graceful_restart =
      GracefulRestart{.seconds = 60, .families = {{kIpv6Unicast, true}}};
  ASSERT_TRUE(first.establish(open));
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  open.capabilities.graceful_restart->restarted = true;
  ASSERT_TRUE(second.establish(open));
  EXPECT_EQ(first.farewell(), "closed") << "without NOTIFICATION";
  EXPECT_EQ(node->speaker.peer(ip("127.0.0.9"))->counters.established, 2U);
}

// RFC 4724 section 5: only where it announced families, whatever else it can do for its peers.
TEST_F(HostilePeer, ASecondConnectionOfAMereHelperDoesNotEndTheFirst) {
  start();
  auto first = script();
  ASSERT_TRUE(connect(first));
  auto open = first.open();
  open.capabilities.graceful_restart = GracefulRestart{.seconds = 60};
  ASSERT_TRUE(first.establish(open));
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  ASSERT_FALSE(second.receive(MessageType::kOpen).empty());
  second.send(encode(open));
  EXPECT_EQ(second.farewell(), "Cease / Connection Collision Resolution");
  EXPECT_EQ(node->speaker.peer(ip("127.0.0.9"))->counters.established, 1U);
}

// Nothing of it is kept as stale, so that for a moment it has neither session nor routes.
TEST_F(HostilePeer, ASecondConnectionOfADynamicNeighbourIsTaken) {
  config.peers = {peer_config("127.0.0.0/24", 64512)};
  start();
  auto first = script();
  ASSERT_TRUE(first.connect("127.0.0.1"));
  auto open = first.open();
  open.capabilities.graceful_restart = GracefulRestart{.seconds = 60, .families = {{kVpnv4, true}}};
  ASSERT_TRUE(first.establish(open));
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  ASSERT_TRUE(second.establish(open));
  EXPECT_TRUE(run_until([&] { return node->up("127.0.0.9"); }));
}

// RFC 4724 section 4.1: it may have waited for this side until now.
TEST_F(HostilePeer, IsToldThatForwardingWasKeptAlsoWhenTheRestartIsOver) {
  config.restarting = true;
  config.restart_deferral = 1s;
  start();
  ASSERT_TRUE(run_until([&] { return node->converged == 1; }));
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  const auto message = peer.receive(MessageType::kOpen);
  ASSERT_FALSE(message.empty());
  const auto open = decode_open(std::span(message).subspan(kHeaderSize));
  ASSERT_TRUE(open && open->capabilities.graceful_restart);
  const auto& restart = *open->capabilities.graceful_restart;
  EXPECT_FALSE(restart.restarted);
  ASSERT_FALSE(restart.families.empty());
  EXPECT_TRUE(restart.families.front().forwarding_preserved);
}

// An external peer is on the link unless told otherwise, whoever connects.
TEST_F(HostilePeer, FromAnotherAsIsAnsweredOnTheLinkOnly) {
  for (const std::uint32_t asn : {64512U, 64513U}) {
    config.peers[0].remote_as = asn;
    start();
    auto peer = script();
    ASSERT_TRUE(connect(peer));
    const int least = 2;  // as seen behind a router
    ASSERT_EQ(::setsockopt(peer.fd(), IPPROTO_IP, IP_MINTTL, &least, sizeof least), 0);
    EXPECT_EQ(peer.receive(500ms).empty(), asn != 64512) << asn;
    node.reset();
  }
}

TEST_F(HostilePeer, AStrangerIsNotTalkedTo) {
  start();
  auto stranger = script(77);
  ASSERT_TRUE(stranger.connect("127.0.0.1"));
  EXPECT_TRUE(stranger.receive().empty());
  EXPECT_TRUE(stranger.closed());
}

// The idle hold time runs when the operator shuts it down: it does not bring the peer back.
TEST_F(HostilePeer, ThatIsShutDownWhileItIsWaitedForStaysDown) {
  config.peers[0].idle_hold = 300ms;
  start();
  const auto state = [&] { return node->speaker.peer(ip("127.0.0.9"))->state; };
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  peer.send(Hex(400, 0x47));
  ASSERT_TRUE(run_until([&] { return state() == State::kIdle; }));
  auto down = config.peers[0];
  down.enabled = false;
  ASSERT_TRUE(node->speaker.change_peer(down));
  run_for(500ms);
  EXPECT_EQ(state(), State::kIdle);
  ASSERT_TRUE(node->speaker.change_peer(config.peers[0]));
  EXPECT_EQ(state(), State::kActive);
}

TEST_F(HostilePeer, MayLeaveInTheMiddleOfAMessage) {
  start();
  for (std::size_t length : {1U, 18U, 19U, 25U}) {
    auto peer = script();
    ASSERT_TRUE(connect(peer));
    ASSERT_FALSE(peer.receive(MessageType::kOpen).empty());
    const auto open = encode(peer.open());
    peer.send(std::span(open).first(length));
    peer.close();
    ASSERT_TRUE(run_until([&] {
      return node->last_error("127.0.0.9").find("closed by the peer") != std::string::npos ||
             node->last_error("127.0.0.9").find("reset") != std::string::npos;
    })) << node->last_error("127.0.0.9");
  }
}

// RFC 7606: errors in attributes cost the route, not the session.
TEST_F(HostilePeer, ABadAttributeCostsTheRouteNotTheSession) {
  auto& speaker = start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  // 10.1.0.0/16 with ORIGIN, an empty AS_PATH, NEXT_HOP 127.0.0.9, LOCAL_PREF 100.
  const Hex good = {0,   0, 0, 21, 0x40, 1, 1, 0, 0x40, 2, 0,   0x40, 3,  4,
                    127, 0, 0, 9,  0x40, 5, 4, 0, 0,    0, 100, 16,   10, 1};
  auto usable = good;
  usable[14] = 10;  // a loopback address is no next hop
  peer.send(message(2, usable));
  ASSERT_TRUE(run_until([&] { return speaker.routes.contains("10.1.0.0/16"); }));
  auto bad = usable;
  bad[7] = 7;  // ORIGIN 7
  peer.send(message(2, bad));
  ASSERT_TRUE(run_until([&] { return !speaker.routes.contains("10.1.0.0/16"); }));
  EXPECT_TRUE(speaker.up("127.0.0.9"));
  const auto info = speaker.speaker.peer(ip("127.0.0.9")).value();
  EXPECT_EQ(info.counters.treated_as_withdraw, 1U);
  EXPECT_NE(info.last_error.find("ORIGIN"), std::string::npos) << info.last_error;
  EXPECT_EQ(speaker.speaker.rib().rejected().routes().size(), 1U);
}

TEST_F(HostilePeer, ThatIsWrongInEveryUpdateDoesNotFillTheLog) {
  start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  ASSERT_TRUE(peer.establish());
  testing::internal::CaptureStdout();
  for (int i = 0; i < 50; ++i) peer.send(message(2, {0, 0, 0, 4, 0x40, 1, 1, 7, 16, 10, 1}));
  const auto wrong = [&] { return node->speaker.peer(ip("127.0.0.9"))->counters; };
  EXPECT_TRUE(run_until([&] { return wrong().treated_as_withdraw == 50; }));
  const auto log = testing::internal::GetCapturedStdout();
  EXPECT_NE(log.find("UPDATE with errors"), std::string::npos) << log;
  EXPECT_LE(std::ranges::count(log, '\n'), 3) << log;
}

// RFC 7313: it was asked twice, and begins anew in the middle of its answer.
TEST_F(HostilePeer, BeginsARefreshTwiceAndLosesNoRouteBeforeItsEnd) {
  auto& speaker = start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  auto open = peer.open();
  open.capabilities.route_refresh = open.capabilities.enhanced_route_refresh = true;
  ASSERT_TRUE(peer.establish(open));
  const auto route = [](std::uint8_t number) {
    return message(2, {0,  0, 0, 21, 0x40, 1, 1, 0, 0x40, 2, 0,   0x40, 3,  4,
                       10, 0, 0, 9,  0x40, 5, 4, 0, 0,    0, 100, 16,   10, number});
  };
  const auto mark = [](RefreshKind kind) {
    return encode(RouteRefresh{.family = kIpv4Unicast, .kind = kind});
  };
  peer.send(route(1));
  peer.send(route(2));
  ASSERT_TRUE(run_until([&] { return speaker.routes.size() == 2; }));
  peer.send(mark(RefreshKind::kBegin));
  peer.send(route(1));
  peer.send(mark(RefreshKind::kBegin));
  peer.send(route(1));
  peer.send(route(3));
  ASSERT_TRUE(run_until([&] { return speaker.routes.contains("10.3.0.0/16"); }));
  EXPECT_EQ(speaker.routes.size(), 3U);
  peer.send(mark(RefreshKind::kEnd));
  EXPECT_TRUE(run_until([&] { return !speaker.routes.contains("10.2.0.0/16"); }));
  EXPECT_EQ(speaker.routes.size(), 2U);
  EXPECT_EQ(std::ranges::count(speaker.history, "-10.1.0.0/16"), 0);
}

// RFC 7313 section 4: what was stale before may still be told.
TEST_F(HostilePeer, RefreshesNothingBeforeItsEndOfRib) {
  auto& speaker = start();
  auto peer = script();
  ASSERT_TRUE(connect(peer));
  auto open = peer.open();
  open.capabilities.enhanced_route_refresh = true;
  open.capabilities.graceful_restart =
      GracefulRestart{.seconds = 60, .families = {{kIpv4Unicast, true}}};
  ASSERT_TRUE(peer.establish(open));
  const auto route = [](std::uint8_t number) {
    return message(2, {0,  0, 0, 21, 0x40, 1, 1, 0, 0x40, 2, 0,   0x40, 3,  4,
                       10, 0, 0, 9,  0x40, 5, 4, 0, 0,    0, 100, 16,   10, number});
  };
  const auto refresh = [&](std::uint8_t told) {
    peer.send(encode(RouteRefresh{.family = kIpv4Unicast, .kind = RefreshKind::kBegin}));
    peer.send(route(told));
    peer.send(encode(RouteRefresh{.family = kIpv4Unicast, .kind = RefreshKind::kEnd}));
  };
  peer.send(route(1));
  refresh(2);
  ASSERT_TRUE(run_until([&] { return speaker.routes.contains("10.2.0.0/16"); }));
  run_for(100ms);
  EXPECT_EQ(speaker.routes.size(), 2U);
  peer.send(message(2, {0, 0, 0, 0}));
  refresh(3);
  EXPECT_TRUE(run_until(
      [&] { return speaker.routes.size() == 1 && speaker.routes.contains("10.3.0.0/16"); }));
}

}  // namespace
}  // namespace sextant::bgp
