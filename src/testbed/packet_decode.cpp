// decode_packet(): IPv6, IPv4, SRH, UDP, TCP, ICMP, as far as the bytes go.
#include <algorithm>

#include "base/bytes.h"
#include "testbed/sniffer.h"

namespace sextant::testbed {
namespace {

constexpr std::uint8_t kIpv4InIp = 4;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIpv6InIp = 41;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSegmentRouting = 4;

struct Ipv6Part {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint8_t hop_limit = 0;
  std::uint32_t flow_label = 0;
  std::uint8_t next_header = 0;  // after the extension headers that were read
  std::optional<RoutingHeader> srh;
  bool later_fragment = false;
};

RoutingHeader read_srh(ByteReader body, std::uint8_t next_header) {
  RoutingHeader srh{.next_header = next_header, .segments = {}};
  srh.segments_left = body.u8();
  srh.last_entry = body.u8();
  body.take(3);  // flags, tag
  for (int i = 0; i <= srh.last_entry && body.remaining() >= 16; ++i) {
    srh.segments.push_back(body.ipv6());
  }
  return srh;
}

std::optional<Ipv6Part> read_ipv6(ByteReader& in) {
  Ipv6Part ip;
  ip.flow_label = in.u32() & 0xfffff;
  in.u16();  // payload length: the capture's own end counts
  ip.next_header = in.u8();
  ip.hop_limit = in.u8();
  ip.source = in.ipv6();
  ip.destination = in.ipv6();
  if (!in.ok()) return std::nullopt;
  while ((ip.next_header == kRouting || ip.next_header == kFragment || ip.next_header == 0 ||
          ip.next_header == 60) &&
         in.remaining() >= 8) {
    const std::uint8_t type = ip.next_header;
    ip.next_header = in.u8();
    const std::uint8_t words = in.u8();
    if (type == kFragment) {
      ip.later_fragment = (in.u16() & 0xfff8) != 0;
      in.u32();
      continue;
    }
    ByteReader body = in.sub(std::min<std::size_t>(6U + 8U * words, in.remaining()));
    if (type == kRouting && body.u8() == kSegmentRouting) ip.srh = read_srh(body, ip.next_header);
  }
  return ip;
}

void read_transport(ByteReader in, InnerPacket& packet) {
  switch (packet.protocol) {
    case kUdp:
      packet.source_port = in.u16();
      packet.destination_port = in.u16();
      in.u32();  // length, checksum
      break;
    case kTcp: {
      packet.source_port = in.u16();
      packet.destination_port = in.u16();
      in.u64();  // sequence, acknowledgement
      in.u8();
      packet.tcp_flags = in.u8();
      return;
    }
    case kIcmp:
    case kIcmpv6:
      packet.icmp_type = in.u8();
      packet.icmp_code = in.u8();
      in.u16();
      packet.icmp_word = in.u32();
      break;
    default:
      return;
  }
  const auto rest = in.take(in.remaining());
  packet.payload.assign(rest.begin(), rest.end());
}

std::optional<InnerPacket> read_ipv4(ByteReader& in) {
  InnerPacket packet;
  const std::uint8_t words = in.u8() & 0xf;
  in.take(5);
  const bool later_fragment = (in.u16() & 0x1fff) != 0;
  packet.hop_limit = in.u8();
  packet.protocol = in.u8();
  in.u16();
  packet.source = in.ipv4();
  packet.destination = in.ipv4();
  if (!in.ok() || words < 5) return std::nullopt;
  in.take(std::min<std::size_t>(4U * (words - 5U), in.remaining()));
  if (!later_fragment) read_transport(in, packet);
  return packet;
}

InnerPacket as_inner(const Ipv6Part& ip, ByteReader& in) {
  InnerPacket packet{.source = ip.source,
                     .destination = ip.destination,
                     .protocol = ip.next_header,
                     .hop_limit = ip.hop_limit,
                     .srh = ip.srh,
                     .payload = {}};
  if (!ip.later_fragment) read_transport(in, packet);
  return packet;
}

}  // namespace

std::optional<DecodedPacket> decode_packet(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return std::nullopt;
  DecodedPacket packet;
  packet.length = bytes.size();
  ByteReader in(bytes);
  const int version = bytes[0] >> 4;
  if (version == 4) {
    auto inner = read_ipv4(in);
    if (!inner) return std::nullopt;
    packet.inner = std::move(*inner);
    return packet;
  }
  if (version != 6) return std::nullopt;
  const auto outer = read_ipv6(in);
  if (!outer) return std::nullopt;
  std::optional<InnerPacket> inner;
  if (!outer->later_fragment && outer->next_header == kIpv4InIp) {
    inner = read_ipv4(in);
  } else if (!outer->later_fragment && outer->next_header == kIpv6InIp) {
    if (const auto ip = read_ipv6(in)) inner = as_inner(*ip, in);
  } else {
    packet.inner = as_inner(*outer, in);
    return packet;
  }
  if (!inner) return std::nullopt;
  packet.outer = OuterHeader{.source = outer->source,
                             .destination = outer->destination,
                             .hop_limit = outer->hop_limit,
                             .flow_label = outer->flow_label,
                             .srh = outer->srh};
  packet.inner = std::move(*inner);
  return packet;
}

}  // namespace sextant::testbed
