// The sockets and the packet filter as the kernel runs them, over a loopback device.
#include <gtest/gtest.h>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/testing.h"
#include "trace/fake_network.h"
#include "trace/raw_channel.h"

namespace sextant::trace {
namespace {

using netlink::testing::expect;
using netlink::testing::ScratchNetns;
using testing::ip;
using testing::ip6;
using testing::sid;

constexpr auto kPatience = std::chrono::seconds(5);

/// Another flow between other addresses of the same namespace.
struct Pair {
  IpAddress source, destination;
  [[nodiscard]] Flow flow() const { return {.source = source, .destination = destination}; }
};

class RawChannelTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (const auto reason = netlink::testing::missing_privilege(); !reason.empty())
      GTEST_SKIP() << reason;
    netns_.emplace("trace");
    auto socket = netns_->socket();
    const auto loopback = expect(netlink::get_link(socket, "lo")).index;
    for (const auto& address : {pair_.destination, other_.destination, IpAddress(source_)}) {
      expect(netlink::add_address(
          socket,
          {.link = loopback, .address = address, .prefix_length = address_bits(address.family())}));
      expect(netns_->netns().run([&] { return netlink::await_address(address); }));
    }
    channel_ = open(pair_);
    others_ = open(other_);
  }
  std::unique_ptr<Channel> open(const Pair& pair) {
    return expect(netns_->netns().run(
        [&] { return open_raw_channel(pair.source, pair.destination, source_); }));
  }
  /// Sightings until one of the kind and token comes, that one last; a failure where none comes.
  std::vector<Sighting> until(SightingKind kind, Token token) {
    std::vector<Sighting> seen;
    const auto deadline = Clock::now() + kPatience;
    for (;;) {
      const auto capture = expect(channel_->receive(deadline));
      if (!capture) {
        ADD_FAILURE() << "nothing came";
        return seen;
      }
      const auto& packet = capture->packet;
      // The kernel answers the others' probes: errors pass for whomever they are.
      const bool error = packet[0] >> 4 == 6 && packet[6] == wire::kIcmpv6 && packet[40] < 128;
      if (!error) ++captures_;
      const auto sighting = read_sighting(capture->packet, pair_.flow());
      if (!sighting) continue;
      seen.push_back(*sighting);
      if (sighting->kind == kind && sighting->token == token) return seen;
    }
  }

  // The source is nobody's address, as a pod's is not the node's.
  const bool v6_ = GetParam();
  const Ipv6Address source_ = ip6("fd10::1");
  const Pair pair_{ip(v6_ ? "fd01::7" : "10.1.0.7"), ip(v6_ ? "fd02::9" : "10.2.0.9")};
  const Pair other_{ip(v6_ ? "fd01::8" : "10.1.0.8"), ip(v6_ ? "fd02::a" : "10.2.0.10")};
  std::optional<ScratchNetns> netns_;
  std::unique_ptr<Channel> channel_, others_;
  std::size_t captures_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Families, RawChannelTest, ::testing::Bool());

TEST_P(RawChannelTest, HearsItsOwnFlowOnly) {
  for (std::uint32_t i = 1; i <= 20; ++i)
    expect(others_->send_inner(make_inner(other_.flow(), Token{i}, 64)));
  expect(channel_->send_inner(make_inner(pair_.flow(), Token{77}, 64)));
  const auto seen = until(SightingKind::kProbe, Token{77});
  EXPECT_EQ(captures_, 1U) << "the filter lets nothing else through";
  EXPECT_EQ(seen.at(0).from, pair_.source) << "sent as the pod";
}

TEST_P(RawChannelTest, HearsEncapsulatedPacketsOfItsFlowOnly) {
  for (const bool srh : {true, false}) {
    SCOPED_TRACE(srh);
    captures_ = 0;
    Outer outer{.source = source_, .visits = {sid("fd10::1")}, .flow_label = 0x12345};
    outer.srh_for_one = srh;
    const auto send = [&](Channel& channel, const Pair& pair, Token token) {
      const auto inner = make_inner(pair.flow(), token, 64);
      expect(channel.send_outer(expect(encapsulate(outer, pair.source.family(), inner)), {}));
    };
    for (std::uint32_t i = 1; i <= 20; ++i) send(*others_, other_, Token{i});
    send(*channel_, pair_, Token{78});
    const auto seen = until(SightingKind::kProbe, Token{78});
    EXPECT_EQ(captures_, 1U) << "the filter lets nothing else through";
    ASSERT_TRUE(seen.back().encapsulation);
    EXPECT_EQ(seen.back().encapsulation->as_sent().flow_label, 0x12345U) << "verbatim";
    EXPECT_EQ(seen.back().encapsulation->srh.has_value(), srh);
    // The copy that comes in, and what the kernel answers, must not meet the next round.
    while (expect(channel_->receive(Clock::now() + std::chrono::milliseconds(20)))) {
    }
  }
}

TEST_P(RawChannelTest, HearsAnErrorAboutAnOuterPacket) {
  const Outer outer{.source = source_, .visits = {sid("fd10::1"), sid("fcdd::13")}};
  const auto inner = make_inner(pair_.flow(), Token{79}, 64);
  const auto packet = expect(encapsulate(outer, pair_.source.family(), inner));
  const auto error = testing::icmp_error(source_, source_, wire::kTimeExceeded6, 0, packet);
  expect(channel_->send_outer(error, {}));
  const auto seen = until(SightingKind::kOuterError, Token{79});
  EXPECT_EQ(seen.back().encapsulation->segments_left(), 1);
}

TEST_P(RawChannelTest, WaitsNoLongerThanItIsTold) {
  const auto before = Clock::now();
  EXPECT_FALSE(expect(channel_->receive(before + std::chrono::milliseconds(30))));
  EXPECT_GE(Clock::now() - before, std::chrono::milliseconds(30));
  EXPECT_LT(Clock::now() - before, kPatience);
}

TEST_P(RawChannelTest, SaysWhereTheNodeHasNoRoute) {
  const auto flow = Flow{.source = pair_.source, .destination = ip(v6_ ? "fd99::1" : "10.99.0.1")};
  const auto sent = channel_->send_inner(make_inner(flow, Token{1}, 64));
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message().find("unreachable"), std::string::npos)
      << sent.error().message();
}

}  // namespace
}  // namespace sextant::trace
