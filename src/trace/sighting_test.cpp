#include "trace/sighting.h"

#include <gtest/gtest.h>

#include "trace/fake_network.h"

namespace sextant::trace {
namespace {

using testing::icmp_error;
using testing::ip;
using testing::ip6;
using testing::sid;

constexpr Token kToken{0x12345678};

Flow flow_of(bool v6, Protocol protocol) {
  Flow flow{.source = ip(v6 ? "fd01::7" : "10.1.0.7"),
            .destination = ip(v6 ? "fd02::9" : "10.2.0.9"),
            .protocol = protocol};
  if (protocol != Protocol::kIcmp) {
    flow.source_port = 50000;
    flow.destination_port = 33434;
  }
  return flow;
}

const std::vector<srv6::Sid> kVisits{sid("fcff:6::1"), sid("fcff:8::1"), sid("fcdd::13")};

Outer outer(srv6::EncapMode mode = srv6::EncapMode::kEncaps) {
  return {.source = ip6("fd10::1"),
          .visits = kVisits,
          .mode = mode,
          .traffic_class = 0x2e,
          .flow_label = 0xabcde,
          .hop_limit = 9};
}

class AnyFlow : public ::testing::TestWithParam<std::tuple<bool, Protocol>> {
 protected:
  Flow flow_ = flow_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
  bool v4_ = flow_.source.is_v4();
  Bytes inner_ = make_inner(flow_, kToken, 1);
};
INSTANTIATE_TEST_SUITE_P(Flows, AnyFlow,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(Protocol::kIcmp, Protocol::kUdp,
                                                              Protocol::kTcp)));

TEST_P(AnyFlow, AProbeIsSeenWithAndWithoutItsOuterHeader) {
  const auto plain = read_sighting(inner_, flow_);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->kind, SightingKind::kProbe);
  EXPECT_EQ(plain->token, kToken);
  EXPECT_FALSE(plain->encapsulation);
  for (const auto mode : {srv6::EncapMode::kEncaps, srv6::EncapMode::kEncapsReduced}) {
    const auto packet = encapsulate(outer(mode), flow_.source.family(), inner_).value();
    const auto seen = read_sighting(packet, flow_);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->token, kToken);
    ASSERT_TRUE(seen->encapsulation);
    EXPECT_EQ(seen->encapsulation->as_sent(), outer(mode)) << "what the headend made comes out";
  }
}

TEST_P(AnyFlow, ARouterQuotesTheProbeAndTheSegmentInWork) {
  auto packet = encapsulate(outer(), flow_.source.family(), inner_).value();
  packet[43] = 1;  // Segments Left
  const auto error = icmp_error(ip("fd00::6"), ip("fd10::1"), wire::kTimeExceeded6, 0, packet);
  const auto seen = read_sighting(error, flow_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, SightingKind::kOuterError);
  EXPECT_EQ(seen->from, ip("fd00::6"));
  EXPECT_EQ(seen->type, wire::kTimeExceeded6);
  EXPECT_EQ(seen->token, kToken);
  EXPECT_EQ(seen->encapsulation->segments_left(), 1);
}

TEST_P(AnyFlow, TheNodeThatDecapsulatedAnswersForADeadInnerPacket) {
  const auto from = ip(v4_ ? "10.2.0.1" : "fd02::1");
  const auto error =
      icmp_error(from, flow_.source, v4_ ? wire::kTimeExceeded : wire::kTimeExceeded6, 0, inner_);
  const auto seen = read_sighting(error, flow_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, SightingKind::kInnerError);
  EXPECT_EQ(seen->from, from);
  EXPECT_EQ(seen->token, kToken);
  const auto tunneled = encapsulate(outer(), flow_.source.family(), error).value();
  const auto through = read_sighting(tunneled, flow_);
  ASSERT_TRUE(through);
  EXPECT_EQ(through->kind, SightingKind::kInnerError);
  EXPECT_TRUE(through->encapsulation);
}

TEST_P(AnyFlow, AWalkBackIsSeenComingHome) {
  const auto seen = read_sighting(
      encapsulate(outer(), flow_.source.family(), make_inner_reply(flow_, kToken, 64)).value(),
      flow_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, SightingKind::kAnswer);
  EXPECT_EQ(seen->token, kToken);
  EXPECT_EQ(seen->from, flow_.destination);
}

TEST_P(AnyFlow, ErrorsOfBothDirectionsOfAWalkAreRead) {
  const auto back =
      encapsulate(outer(), flow_.source.family(), make_inner_reply(flow_, kToken, 64));
  const auto seen = read_sighting(
      icmp_error(ip("fd00::6"), ip("fd10::1"), wire::kTimeExceeded6, 0, *back), flow_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, SightingKind::kOuterError);
  EXPECT_EQ(seen->token, kToken);
}

TEST_P(AnyFlow, OtherTrafficIsNoSighting) {
  auto other = flow_;
  other.destination = ip(v4_ ? "10.2.0.10" : "fd02::10");
  EXPECT_FALSE(read_sighting(make_inner(other, kToken, 64), flow_));
  EXPECT_FALSE(read_sighting(
      encapsulate(outer(), flow_.source.family(), make_inner(other, kToken, 64)).value(), flow_));
  EXPECT_FALSE(read_sighting(icmp_error(ip("fd00::6"), ip("fd10::1"), wire::kTimeExceeded6, 0,
                                        make_inner(other, kToken, 64)),
                             flow_));
  EXPECT_FALSE(read_sighting({}, flow_));
}

TEST_P(AnyFlow, EveryCutAndEveryFlippedByteIsBorne) {
  const auto packet = encapsulate(outer(), flow_.source.family(), inner_).value();
  const auto error = icmp_error(ip("fd00::6"), ip("fd10::1"), wire::kTimeExceeded6, 0, packet);
  for (const auto& whole : {packet, error}) {
    for (std::size_t length = 0; length < whole.size(); ++length)
      (void)read_sighting(std::span(whole).first(length), flow_);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0xffU}) {
        auto bad = whole;
        bad[at] = static_cast<std::uint8_t>(value);
        (void)read_sighting(bad, flow_);
      }
    }
  }
  const auto half = read_sighting(std::span(error).first(error.size() / 2), flow_);
  EXPECT_FALSE(half) << "the quote ends before the inner packet";
}

TEST(Sighting, Ipv4ErrorsThatQuoteEightBytesNameTheProbeByItsIdentification) {
  const auto flow = flow_of(false, Protocol::kUdp);
  const auto error = icmp_error(ip("10.2.0.9"), flow.source, wire::kUnreachable,
                                wire::kPortUnreachable, make_inner(flow, kToken, 1), 28);
  const auto seen = read_sighting(error, flow);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->token, Token{kToken.value & 0xffff});
}

TEST(Sighting, ATcpAnswerAcknowledgesTheProbe) {
  const auto flow = flow_of(true, Protocol::kTcp);
  ByteWriter out;
  out.u32(0x60000000U);
  out.u16(20);
  out.u8(wire::kTcp);
  out.u8(64);
  out.put(flow.destination.v6());
  out.put(flow.source.v6());
  out.u16(flow.destination_port);
  out.u16(flow.source_port);
  out.u32(1);
  out.u32(kToken.value + 1);
  out.u8(5 << 4);
  out.u8(wire::kTcpRst | wire::kTcpAck);
  out.u16(0);
  out.u32(0);
  const auto seen = read_sighting(out.bytes(), flow);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, SightingKind::kAnswer);
  EXPECT_EQ(seen->token, kToken);
}

}  // namespace
}  // namespace sextant::trace
