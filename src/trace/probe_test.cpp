#include "trace/probe.h"

#include <gtest/gtest.h>

#include "trace/fake_network.h"

namespace sextant::trace {
namespace {

using testing::ip;
using testing::ip6;
using testing::sid;

const Flow kFour{.source = ip("10.1.0.7"), .destination = ip("10.2.0.9")};
const Flow kSix{.source = ip("fd01::7"), .destination = ip("fd02::9")};

std::uint32_t word(const Bytes& bytes, std::size_t at) {
  return ByteReader(std::span(bytes).subspan(at)).u32();
}
std::uint16_t half(const Bytes& bytes, std::size_t at) {
  return ByteReader(std::span(bytes).subspan(at)).u16();
}

/// A checksum over data that holds its own comes to zero (RFC 1071).
std::uint16_t check_layer4(const Flow& flow, const Bytes& packet, std::uint8_t protocol) {
  const std::size_t header = flow.source.is_v4() ? 20 : 40;
  ByteWriter pseudo;
  pseudo.put(flow.source.bytes());
  pseudo.put(flow.destination.bytes());
  pseudo.u32(static_cast<std::uint32_t>(packet.size() - header));
  pseudo.u32(protocol);
  pseudo.put(std::span(packet).subspan(header));
  return internet_checksum(pseudo.bytes());
}

TEST(Probe, ChecksumFollowsRfc1071) {
  const Bytes example{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // its section 3
  EXPECT_EQ(internet_checksum(example), 0x220d);
  EXPECT_EQ(internet_checksum(Bytes{0x12}), 0xedff) << "an odd byte counts as the high one";
}

TEST(Probe, EchoRequestsHaveTheTokenInIdentifierAndSequence) {
  const auto four = make_inner(kFour, Token{0xabcd0003}, 5);
  EXPECT_EQ(four[0], 0x45);
  EXPECT_EQ(half(four, 2), four.size());
  EXPECT_EQ(half(four, 4), 3) << "identification";
  EXPECT_EQ(four[8], 5);
  EXPECT_EQ(four[9], wire::kIcmp);
  EXPECT_EQ(internet_checksum(std::span(four).first(20)), 0);
  EXPECT_EQ(four[20], wire::kEcho);
  EXPECT_EQ(internet_checksum(std::span(four).subspan(20)), 0);
  EXPECT_EQ(word(four, 24), 0xabcd0003U);

  const auto six = make_inner(kSix, Token{0xabcd0003}, 5);
  EXPECT_EQ(six[0] >> 4, 6);
  EXPECT_EQ(half(six, 4), six.size() - 40);
  EXPECT_EQ(six[7], 5);
  EXPECT_EQ(six[40], wire::kEcho6);
  EXPECT_EQ(check_layer4(kSix, six, wire::kIcmpv6), 0);
  EXPECT_EQ(word(six, 44), 0xabcd0003U);
}

TEST(Probe, UdpAndTcpHaveThePortsOfTheFlow) {
  for (auto flow : {kFour, kSix}) {
    const std::size_t header = flow.source.is_v4() ? 20 : 40;
    flow.source_port = 50000;
    flow.destination_port = 443;
    flow.protocol = Protocol::kUdp;
    const auto udp = make_inner(flow, Token{1}, 64);
    EXPECT_EQ(half(udp, header), 50000);
    EXPECT_EQ(half(udp, header + 2), 443);
    EXPECT_EQ(half(udp, header + 4), udp.size() - header);
    EXPECT_EQ(check_layer4(flow, udp, wire::kUdp), 0);
    flow.protocol = Protocol::kTcp;
    const auto tcp = make_inner(flow, Token{1}, 64);
    EXPECT_EQ(word(tcp, header), 50000U << 16 | 443);
    EXPECT_EQ(tcp[header + 13], wire::kTcpSyn);
    EXPECT_EQ(check_layer4(flow, tcp, wire::kTcp), 0);
  }
}

TEST(Probe, TheOuterHeaderIsWhatAHeadendWrites) {
  const Outer outer{.source = ip6("fd10::1"),
                    .visits = {sid("fcff:6::1"), sid("fcdd::13")},
                    .traffic_class = 0x2e,
                    .flow_label = 0xabcde,
                    .hop_limit = 9};
  const Bytes inner{1, 2, 3};
  const auto full = encapsulate(outer, Family::kIpv4, inner).value();
  EXPECT_EQ(word(full, 0), 0x62eabcdeU);
  EXPECT_EQ(half(full, 4), 8 + 32 + 3);
  EXPECT_EQ(full[6], wire::kRouting);
  EXPECT_EQ(full[7], 9);
  EXPECT_EQ(ByteReader(std::span(full).subspan(24)).ipv6(), ip6("fcff:6::1"));
  EXPECT_EQ(full[40], wire::kIpv4);
  EXPECT_EQ(full[43], 1) << "Segments Left";
  EXPECT_EQ(full.back(), 3);

  auto reduced = outer;
  reduced.mode = srv6::EncapMode::kEncapsReduced;
  EXPECT_EQ(encapsulate(reduced, Family::kIpv6, inner)->size(), full.size() - 16);
  auto bare = outer;
  bare.visits = {sid("fcdd::13")};
  EXPECT_EQ(encapsulate(bare, Family::kIpv6, inner)->at(6), wire::kIpv6);
  bare.srh_for_one = true;
  EXPECT_EQ(encapsulate(bare, Family::kIpv6, inner)->at(6), wire::kRouting);
  bare.visits.clear();
  EXPECT_FALSE(encapsulate(bare, Family::kIpv6, inner));
  bare.visits.assign(128, sid("fcdd::13"));
  EXPECT_FALSE(encapsulate(bare, Family::kIpv6, inner));
}

}  // namespace
}  // namespace sextant::trace
