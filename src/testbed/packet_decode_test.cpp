#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"
#include "testbed/sniffer.h"
#include "testbed/stream.h"

namespace sextant::testbed {
namespace {

Ipv6Address v6(std::string_view text) { return Ipv6Address::parse(text).value(); }
Ipv4Address v4(std::string_view text) { return Ipv4Address::parse(text).value(); }

using Bytes = std::vector<std::uint8_t>;

Bytes ipv6(std::uint8_t next_header, std::string_view source, std::string_view destination,
           const Bytes& rest) {
  ByteWriter out;
  out.u32(0x60012345);
  out.u16(static_cast<std::uint16_t>(rest.size()));
  out.u8(next_header);
  out.u8(63);
  out.put(v6(source));
  out.put(v6(destination));
  out.put(rest);
  return out.release();
}

Bytes ipv4(std::uint8_t protocol, std::string_view source, std::string_view destination,
           const Bytes& rest, std::uint16_t fragment = 0) {
  ByteWriter out;
  out.u16(0x4500);
  out.u16(static_cast<std::uint16_t>(20 + rest.size()));
  out.u16(0);
  out.u16(fragment);
  out.u8(64);
  out.u8(protocol);
  out.u16(0);
  out.put(v4(source));
  out.put(v4(destination));
  out.put(rest);
  return out.release();
}

Bytes udp(std::uint16_t source, std::uint16_t destination, const Bytes& payload) {
  ByteWriter out;
  out.u16(source);
  out.u16(destination);
  out.u16(static_cast<std::uint16_t>(8 + payload.size()));
  out.u16(0);
  out.put(payload);
  return out.release();
}

Bytes srh(std::uint8_t next_header, std::uint8_t left, const std::vector<std::string>& segments,
          const Bytes& rest) {
  ByteWriter out;
  out.u8(next_header);
  out.u8(static_cast<std::uint8_t>(2 * segments.size()));
  out.u8(4);
  out.u8(left);
  out.u8(static_cast<std::uint8_t>(segments.size() - 1));
  out.u8(0);
  out.u16(0);
  for (const auto& segment : segments) out.put(v6(segment));
  out.put(rest);
  return out.release();
}

TEST(DecodePacket, ReadsAnIpv4PacketBehindAnSrh) {
  const Bytes packet =
      ipv6(43, "fd10::1000", "fcff:6::1",
           srh(4, 2, {"fcdd:0:0:12aa:13::", "fcff:8::1"},
               ipv4(17, "172.16.0.2", "172.16.0.66", udp(40000, 47000, {1, 2, 3}))));
  const auto decoded = decode_packet(packet);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->length, packet.size());
  ASSERT_TRUE(decoded->outer);
  EXPECT_EQ(decoded->outer->source, v6("fd10::1000"));
  EXPECT_EQ(decoded->outer->destination, v6("fcff:6::1"));
  EXPECT_EQ(decoded->outer->hop_limit, 63);
  EXPECT_EQ(decoded->outer->flow_label, 0x12345U);
  ASSERT_TRUE(decoded->outer->srh);
  EXPECT_EQ(decoded->outer->srh->segments_left, 2);
  EXPECT_EQ(decoded->outer->srh->last_entry, 1);
  EXPECT_THAT(decoded->outer->srh->segments,
              testing::ElementsAre(v6("fcdd:0:0:12aa:13::"), v6("fcff:8::1")));
  EXPECT_EQ(decoded->inner.source, IpAddress(v4("172.16.0.2")));
  EXPECT_EQ(decoded->inner.destination, IpAddress(v4("172.16.0.66")));
  EXPECT_EQ(decoded->inner.protocol, 17);
  EXPECT_EQ(decoded->inner.source_port, 40000);
  EXPECT_EQ(decoded->inner.destination_port, 47000);
  EXPECT_THAT(decoded->inner.payload, testing::ElementsAre(1, 2, 3));
}

TEST(DecodePacket, ReadsAnIpv6PacketWithoutSrhInside) {
  const auto decoded = decode_packet(ipv6(
      41, "fd10::1000", "fcdd::1", ipv6(58, "fdfb::1", "fdfb::2", {128, 0, 9, 9, 0, 7, 0, 3})));
  ASSERT_TRUE(decoded);
  ASSERT_TRUE(decoded->outer);
  EXPECT_FALSE(decoded->outer->srh);
  EXPECT_EQ(decoded->inner.destination, IpAddress(v6("fdfb::2")));
  EXPECT_EQ(decoded->inner.icmp_type, 128);
  EXPECT_EQ(decoded->inner.icmp_word, 0x00070003U);
}

TEST(DecodePacket, PlainPacketsHaveNoOuterHeader) {
  const auto four = decode_packet(ipv4(17, "10.0.0.1", "10.0.0.2", udp(1, 2, {})));
  ASSERT_TRUE(four);
  EXPECT_FALSE(four->outer);
  EXPECT_EQ(four->inner.destination_port, 2);
  const auto six =
      decode_packet(ipv6(43, "fd00::1", "fd00::2", srh(17, 0, {"fd00::2"}, udp(1, 2, {}))));
  ASSERT_TRUE(six);
  EXPECT_FALSE(six->outer);
  EXPECT_TRUE(six->inner.srh);
  EXPECT_EQ(six->inner.destination_port, 2);
}

TEST(DecodePacket, LaterFragmentsHaveNoPorts) {
  const auto decoded = decode_packet(ipv4(17, "10.0.0.1", "10.0.0.2", udp(1, 2, {}), 0x0010));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->inner.destination_port, 0);
}

TEST(DecodePacket, CutAndRandomBytesNeverCrash) {
  const Bytes whole = ipv6(
      43, "fd10::1000", "fcff:6::1",
      srh(41, 1, {"fcdd::1", "fcff:6::1"}, ipv6(17, "fdfb::1", "fdfb::2", udp(1, 2, {1, 2, 3}))));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    (void)decode_packet(cut);
  }
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = whole;
    for (int change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    (void)decode_packet(bytes);
  }
}

TEST(DecodeStreamHeader, NeedsAllOfItsBytes) {
  EXPECT_FALSE(decode_stream_header(Bytes(kStreamHeaderSize - 1)));
  EXPECT_TRUE(decode_stream_header(Bytes(kStreamHeaderSize)));
}

TEST(PathOf, GoesByTheOuterHopLimitWhateverTheTimes) {
  const auto seen = [](const std::string& netns, std::uint8_t hop_limit, int ms) {
    CapturedPacket packet;
    packet.netns = netns;
    packet.outer.emplace().hop_limit = hop_limit;
    packet.at += std::chrono::milliseconds(ms);
    return packet;
  };
  EXPECT_THAT(path_of({seen("r8", 60, 10), seen("r4", 62, 30), seen("r6", 61, 20)}),
              testing::ElementsAre("r4", "r6", "r8"));
}

TEST(PathOf, OrdersNamespacesByFirstSighting) {
  const auto seen = [](std::string netns, int ms) {
    CapturedPacket packet;
    packet.netns = std::move(netns);
    packet.at += std::chrono::milliseconds(ms);
    return packet;
  };
  EXPECT_THAT(path_of({seen("r8", 30), seen("r4", 10), seen("r6", 20), seen("r4", 25)}),
              testing::ElementsAre("r4", "r6", "r8"));
}

}  // namespace
}  // namespace sextant::testbed
