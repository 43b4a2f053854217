// Peers that come back: how soon their sessions stand again, and that nothing stands in the way.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <boost/asio/post.hpp>

#include "bgp/speaker.h"
#include "bgp/speaker_fixture_test.h"

namespace sextant::bgp {
namespace {

constexpr auto kNever = 100s;  // longer than any test

/// A speaker at 127.0.0.1, and a peer at 127.0.0.9.
class Return : public Namespace {
 protected:
  void SetUp() override {
    Namespace::SetUp();
    config.peers = {from(1, peer_config("127.0.0.9", 64512))};
    config.peers[0].mode = ConnectMode::kPassive;
  }
  void start() {
    node = std::make_unique<Node>(io, config);
    const auto started = node->speaker.start();
    ASSERT_TRUE(started) << started.error().message();
  }
  [[nodiscard]] Script script() {
    return {9, [this](const auto& done, auto limit) { return run_until(done, limit); }};
  }
  /// That of a peer that restarts gracefully.
  [[nodiscard]] static Open graceful(const Script& peer) {
    auto open = peer.open();
    open.capabilities.graceful_restart =
        GracefulRestart{.seconds = 60, .families = {{kIpv6Unicast, true}}};
    return open;
  }
  /// Nothing more is on its way to the peer.
  [[nodiscard]] static bool told_all(Script& peer) {
    for (std::size_t i = 0; i < peer.open().capabilities.families.size(); ++i) {
      if (peer.receive(MessageType::kUpdate).empty()) return false;  // End-of-RIB
    }
    return true;
  }
  [[nodiscard]] PeerInfo peer() const { return node->speaker.peer(ip("127.0.0.9")).value(); }
  [[nodiscard]] bool up() const { return node->up("127.0.0.9"); }

  SpeakerConfig config = speaker_config(1);
  std::unique_ptr<Node> node;
};

// RFC 4271 section 8: the ConnectRetryTimer does not run any more when a connection stands. While
// the loop is busy both wait for it, the connection and the end of that time.
TEST_F(Return, AConnectionIsTakenThoughTheRetryTimeEndsMeanwhile) {
  config.peers[0].mode = ConnectMode::kBoth;
  start();
  ASSERT_TRUE(run_until([&] { return peer().state == State::kActive; })) << "it was refused";
  auto back = script();
  ASSERT_TRUE(back.connect("127.0.0.1"));
  ::usleep(40'000);  // longer than the first retry time: the loop is busy
  EXPECT_TRUE(back.establish()) << node->last_error("127.0.0.9");
  EXPECT_TRUE(run_until([&] { return up(); }));
  EXPECT_EQ(peer().counters.sent.notifications, 0U);
}

TEST_F(Return, APeerWhoseConnectionEndedIsTakenBackAtOnce) {
  config.peers[0].idle_hold = config.peers[0].connect_retry = kNever;
  start();
  for (const bool restarts : {true, false}) {
    auto first = script();
    ASSERT_TRUE(first.connect("127.0.0.1"));
    ASSERT_TRUE(first.establish(restarts ? graceful(first) : first.open()));
    ASSERT_TRUE(run_until([&] { return up(); }));
    first.close();
    ASSERT_TRUE(run_until([&] { return !up(); }));
  }
  auto last = script();
  ASSERT_TRUE(last.connect("127.0.0.1"));
  ASSERT_TRUE(last.establish());
  ASSERT_TRUE(run_until([&] { return up(); }));
}

// DampPeerOscillations of RFC 4271 section 8.1.1.
TEST_F(Return, APeerThatFailedWaitsForTheEndOfTheIdleHoldTime) {
  config.peers[0].idle_hold = config.peers[0].connect_retry = kNever;
  start();
  auto first = script();
  ASSERT_TRUE(first.connect("127.0.0.1"));
  ASSERT_TRUE(first.establish());
  first.send(std::vector<std::uint8_t>(400, 0x47));
  ASSERT_TRUE(run_until([&] { return peer().state == State::kIdle; }));
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  EXPECT_TRUE(second.receive().empty());
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(peer().state, State::kIdle);
}

TEST_F(Return, APeerOfAPrefixIsTakenBackWhileItsRoutesAreStale) {
  config.peers = {peer_config("127.0.0.0/24", 64512)};
  start();
  for (const bool fails : {false, true, false}) {
    auto next = script();
    ASSERT_TRUE(next.connect("127.0.0.1"));
    if (fails) {  // before the OPEN
      ASSERT_FALSE(next.receive(MessageType::kOpen).empty());
      next.send(std::vector<std::uint8_t>(400, 0x47));
      ASSERT_TRUE(run_until([&] { return peer().state == State::kIdle; }));
      ASSERT_TRUE(run_until([&] { return peer().state == State::kActive; })) << "waits again";
      continue;
    }
    ASSERT_TRUE(next.establish(graceful(next)));
    ASSERT_TRUE(run_until([&] { return up(); }));
    next.close();
    ASSERT_TRUE(run_until([&] { return !up(); }));
    EXPECT_TRUE(peer().families[1].stale);
  }
}

// Of two connections that collided this side may see the one that the peer gave up only when the
// session stands on the other.
TEST_F(Return, AConnectionThatIsGivenUpDoesNotEndTheSession) {
  start();
  auto first = script();
  ASSERT_TRUE(first.connect("127.0.0.1"));
  ASSERT_TRUE(first.establish(graceful(first)));
  ASSERT_TRUE(run_until([&] { return up(); }));
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  ASSERT_FALSE(second.receive(MessageType::kOpen).empty());
  second.send(encode(graceful(second)));
  ASSERT_FALSE(second.receive(MessageType::kKeepalive).empty());
  second.send(encode(notification(CeaseReason::kCollisionResolution)));
  EXPECT_TRUE(second.closed());
  auto third = script();
  ASSERT_TRUE(third.connect("127.0.0.1"));
  ASSERT_FALSE(third.receive(MessageType::kOpen).empty());
  third.close();
  first.send(encode_keepalive());
  const auto keepalives = peer().counters.received.keepalives;
  ASSERT_TRUE(run_until([&] { return peer().counters.received.keepalives > keepalives; }));
  EXPECT_TRUE(up());
  EXPECT_EQ(peer().counters.established, 1U);
}

// A machine that fails says nothing, and is found out when it is spoken to.
TEST_F(Return, AConnectionThatIsRefusedTestsTheEstablishedOne) {
  start();
  auto first = script();
  ASSERT_TRUE(first.connect("127.0.0.1"));
  ASSERT_TRUE(first.establish());
  ASSERT_TRUE(run_until([&] { return up(); }));
  ASSERT_TRUE(told_all(first));
  const int on = 1;  // TCP has nothing to say again, and then is gone without a word
  ASSERT_EQ(::setsockopt(first.fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on), 0);
  ASSERT_EQ(::setsockopt(first.fd(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on), 0)
      << std::strerror(errno);
  first.close();
  const auto keepalives = peer().counters.sent.keepalives;
  auto second = script();
  ASSERT_TRUE(second.connect("127.0.0.1"));
  ASSERT_FALSE(second.receive(MessageType::kOpen).empty());
  second.send(encode(second.open()));
  EXPECT_EQ(second.farewell(), "Cease / Connection Collision Resolution");
  EXPECT_EQ(peer().counters.sent.keepalives, keepalives + 1);
  ASSERT_TRUE(run_until([&] { return !up(); }));
  auto third = script();
  ASSERT_TRUE(third.connect("127.0.0.1"));
  EXPECT_TRUE(third.establish());
}

// What is sent to a peer that has closed fails; the NOTIFICATION that it left is heard all the
// same, and so its routes are not kept as stale.
TEST_F(Return, LastWordsAreHeardThoughThereIsSomethingToSend) {
  start();
  auto first = script();
  ASSERT_TRUE(first.connect("127.0.0.1"));
  ASSERT_TRUE(first.establish(graceful(first)));
  ASSERT_TRUE(told_all(first));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(::setsockopt(first.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  boost::asio::post(io, [&] {
    first.send(encode(notification(CeaseReason::kAdministrativeShutdown)));
    first.close();
  });
  node->announce("fd01::/64", "fd00::1");  // sent next, before the socket is looked at
  ASSERT_TRUE(run_until([&] { return !up(); }));
  EXPECT_EQ(peer().last_error, "the peer sent Cease / Administrative Shutdown");
  EXPECT_FALSE(peer().families[1].stale);
}

TEST_F(Return, APeerThatIsShutDownIsNotWaitedForAfterARestart) {
  config.restarting = true;
  config.restart_patience = config.restart_deferral = kNever;
  start();
  run_for(50ms);
  EXPECT_EQ(node->converged, 0);
  auto down = config.peers[0];
  down.enabled = false;
  ASSERT_TRUE(node->speaker.change_peer(down));
  EXPECT_TRUE(run_until([&] { return node->converged == 1; }));
}

}  // namespace
}  // namespace sextant::bgp
