#include "dataplane/linux/path_mtu.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <ostream>
#include <vector>

#include "base/bytes.h"
#include "srv6/segment_list.h"

namespace sextant::dataplane {

void PrintTo(const PathMtu& path, std::ostream* out) {
  *out << path.inner_destination.to_string() << " mtu " << path.inner_mtu;
}

namespace {

constexpr std::uint8_t kInnerIpv4 = 4, kInnerIpv6 = 41, kRouting = 43, kFragment = 44;
constexpr std::uint32_t kMtu = 1400;

Ipv6Address v6(std::string_view text) { return Ipv6Address::parse(text).value(); }
const Ipv6Address kSource = v6("fd12::1000");
const IpAddress kPod4 = IpAddress::parse("172.16.1.5").value();
const IpAddress kPod6 = IpAddress::parse("fd20:0:0:1::5").value();

struct Packet {
  std::uint8_t type = 2;  // Packet Too Big
  std::uint32_t mtu = kMtu;
  Ipv6Address source = kSource;
  std::size_t segments = 0;  // of the SRH; 0: none
  IpAddress destination = kPod6;
  std::uint8_t inner_protocol = 0;  // 0: what fits the destination
};

/// The ICMPv6 message with the packet in error up to the end of its inner IP header.
std::vector<std::uint8_t> bytes_of(const Packet& packet) {
  const std::uint8_t inner = packet.inner_protocol != 0   ? packet.inner_protocol
                             : packet.destination.is_v4() ? kInnerIpv4
                                                          : kInnerIpv6;
  ByteWriter out;
  out.u8(packet.type);
  out.u8(0);
  out.u16(0xbeef);
  out.u32(packet.mtu);
  out.u32(0x6000'0000);
  out.u16(1400);
  out.u8(packet.segments == 0 ? inner : kRouting);
  out.u8(60);
  out.put(packet.source);
  out.put(v6("fcff:1::1"));
  if (packet.segments != 0) {
    const std::vector<srv6::Sid> visits(packet.segments, srv6::Sid(v6("fcff:1::1")));
    out.put(srv6::encode(*srv6::make_srh(visits, srv6::EncapMode::kEncaps, inner)).value());
  }
  if (packet.destination.is_v4()) {
    out.u32(0x4500'0578);
    out.u32(0);
    out.u32(0x4006'0000);
    out.u32(0xac10'0001);
  } else {
    out.u32(0x6000'0000);
    out.u32(0x0550'0640);
    out.put(v6("fd20::5"));
  }
  out.put(packet.destination.bytes());
  return out.release();
}

/// Parses a copy that ends where its memory ends, so that AddressSanitizer sees a read beyond.
std::optional<PathMtu> parse(std::span<const std::uint8_t> bytes) {
  const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return parse_packet_too_big({copy.get(), bytes.size()}, kSource);
}
std::optional<PathMtu> parse(const Packet& packet) { return parse(bytes_of(packet)); }

TEST(ParsePacketTooBig, WithoutAnSrhTheOuterHeaderIsTaken) {
  EXPECT_EQ(parse(Packet{.destination = kPod4}), (PathMtu{kPod4, kMtu - 40}));
  EXPECT_EQ(parse(Packet{.destination = kPod6}), (PathMtu{kPod6, kMtu - 40}));
}

TEST(ParsePacketTooBig, TheSrhIsTakenToo) {
  for (const std::size_t segments : {1U, 2U, 3U}) {
    const auto overhead = static_cast<std::uint32_t>(
        srv6::encapsulation_overhead(segments, srv6::EncapMode::kEncaps));
    EXPECT_EQ(parse(Packet{.segments = segments, .destination = kPod4}),
              (PathMtu{kPod4, kMtu - overhead}));
    EXPECT_EQ(parse(Packet{.mtu = 9000, .segments = segments, .destination = kPod6}),
              (PathMtu{kPod6, 9000 - overhead}));
  }
}

TEST(ParsePacketTooBig, PodsAreNeverToldLessThanTheirProtocolAllows) {
  EXPECT_EQ(parse(Packet{.mtu = 1280, .destination = kPod6}), (PathMtu{kPod6, 1280}));
  EXPECT_EQ(parse(Packet{.mtu = 1280, .destination = kPod4}), (PathMtu{kPod4, 1240}));
  EXPECT_EQ(parse(Packet{.mtu = 1280, .segments = 44, .destination = kPod4}),
            (PathMtu{kPod4, 576}));
  EXPECT_FALSE(parse(Packet{.mtu = 1280, .segments = 100, .destination = kPod4}))
      << "headers alone exceed the MTU";
}

TEST(ParsePacketTooBig, MtusThatIpv6DoesNotHaveAreIgnored) {
  for (const std::uint32_t mtu : {0U, 68U, 1279U}) {
    EXPECT_FALSE(parse(Packet{.mtu = mtu})) << mtu;
  }
  EXPECT_TRUE(parse(Packet{.mtu = 1280}));
  EXPECT_EQ(parse(Packet{.mtu = UINT32_MAX}), (PathMtu{kPod6, UINT32_MAX - 40}));
}

TEST(ParsePacketTooBig, OtherMessagesAreIgnored) {
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 1, 3, 4, 128, 135, 255}) {
    EXPECT_FALSE(parse(Packet{.type = type})) << int{type};
  }
}

TEST(ParsePacketTooBig, ErrorsAboutSomebodyElsesPacketsAreIgnored) {
  EXPECT_FALSE(parse(Packet{.source = v6("fd12::1001")}));
  EXPECT_FALSE(parse(Packet{.source = v6("::")}));
}

TEST(ParsePacketTooBig, WhatIsNotEncapsulatedIsIgnored) {
  for (const std::uint8_t protocol : std::initializer_list<std::uint8_t>{6, 17, 58, 59}) {
    EXPECT_FALSE(parse(Packet{.inner_protocol = protocol})) << int{protocol};
    EXPECT_FALSE(parse(Packet{.segments = 2, .inner_protocol = protocol})) << int{protocol};
  }
  EXPECT_FALSE(parse(Packet{.inner_protocol = kFragment})) << "a fragment's rest is no packet";
  EXPECT_FALSE(parse(Packet{.segments = 2, .inner_protocol = kRouting})) << "one routing header";
}

TEST(ParsePacketTooBig, TruncatedAtEveryLengthItIsIgnored) {
  for (const auto& destination : {kPod4, kPod6}) {
    for (const std::size_t segments : {0U, 1U, 6U}) {
      const auto whole = bytes_of({.segments = segments, .destination = destination});
      ASSERT_TRUE(parse(whole));
      for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_FALSE(parse(std::span(whole).first(length)))
            << length << " of " << whole.size() << " bytes";
      }
    }
  }
}

TEST(ParsePacketTooBig, WhatFollowsTheInnerDestinationDoesNotMatter) {
  auto bytes = bytes_of({.segments = 2, .destination = kPod4});
  bytes.resize(bytes.size() + 1000, 0xff);
  EXPECT_EQ(parse(bytes), (PathMtu{kPod4, kMtu - 80}));
}

TEST(ParsePacketTooBig, AnSrhThatClaimsMoreThanThereIsIsIgnored) {
  auto bytes = bytes_of({.segments = 2});
  constexpr std::size_t kSrhLength = 8 + 40 + 1;
  bytes[kSrhLength] = 255;
  EXPECT_FALSE(parse(bytes));
}

TEST(ParsePacketTooBig, AnyByteMayBeAnything) {
  const auto whole = bytes_of({.segments = 2, .destination = kPod4});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      auto bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(value);
      const auto parsed = parse(bytes);
      EXPECT_TRUE(!parsed || parsed->inner_mtu >= 576U);
    }
  }
}

}  // namespace
}  // namespace sextant::dataplane
