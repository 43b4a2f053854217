#include "trace/probe.h"

#include <array>

#include "base/bytes.h"
#include "trace/wire.h"

namespace sextant::trace {
namespace {

constexpr std::size_t kIpv4HeaderBytes = 20;
constexpr std::uint32_t kFlowLabelMask = 0xfffff;
// Behind the token; says to whoever captures it what it is.
constexpr std::array<std::uint8_t, 12> kMark{'s', 'e', 'x', 't', 'a', 'n',
                                             't', ' ', 't', 'r', 'c', 'e'};

std::uint32_t add(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  }
  return sum;
}

struct Ends {
  IpAddress source, destination;
};

/// RFC 8200 section 8.1; IPv4's pseudo header (RFC 768, RFC 9293) adds up to the same.
std::uint32_t pseudo_header_sum(const Ends& ends, std::uint8_t protocol, std::size_t length) {
  return add(ends.destination.bytes(), add(ends.source.bytes(), 0)) +
         static_cast<std::uint32_t>(length) + protocol;
}

/// RFC 792, RFC 4443 section 4.
Bytes echo(const Ends& ends, Token token, bool reply) {
  const bool v4 = ends.source.is_v4();
  ByteWriter out;
  out.u8(v4 ? (reply ? wire::kEchoReply : wire::kEcho)
            : (reply ? wire::kEchoReply6 : wire::kEcho6));
  out.u8(0);
  out.u16(0);  // checksum
  out.u32(token.value);
  out.put(kMark);
  const std::uint32_t before = v4 ? 0 : pseudo_header_sum(ends, wire::kIcmpv6, out.size());
  out.patch_u16(2, internet_checksum(out.bytes(), before));
  return out.release();
}

/// RFC 768.
Bytes datagram(const Flow& flow, const Ends& ends, Token token) {
  ByteWriter out;
  out.u16(flow.source_port);
  out.u16(flow.destination_port);
  out.u16(static_cast<std::uint16_t>(8 + 4 + kMark.size()));
  out.u16(0);  // checksum
  out.u32(token.value);
  out.put(kMark);
  const auto sum = internet_checksum(out.bytes(), pseudo_header_sum(ends, wire::kUdp, out.size()));
  out.patch_u16(6, sum == 0 ? 0xffff : sum);
  return out.release();
}

/// RFC 9293 section 3.1.
Bytes syn(const Flow& flow, const Ends& ends, Token token) {
  ByteWriter out;
  out.u16(flow.source_port);
  out.u16(flow.destination_port);
  out.u32(token.value);  // sequence number
  out.u32(0);
  out.u8(5 << 4);  // five words of header
  out.u8(wire::kTcpSyn);
  out.u16(1024);  // window
  out.u16(0);     // checksum
  out.u16(0);
  out.patch_u16(16,
                internet_checksum(out.bytes(), pseudo_header_sum(ends, wire::kTcp, out.size())));
  return out.release();
}

/// RFC 791 section 3.1, RFC 8200 section 3.
Bytes ip_packet(const Ends& ends, std::uint8_t protocol, Token token, std::uint8_t hop_limit,
                std::span<const std::uint8_t> payload) {
  ByteWriter out;
  if (ends.source.is_v4()) {
    out.u8(0x45);
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(kIpv4HeaderBytes + payload.size()));
    out.u16(static_cast<std::uint16_t>(token.value));  // identification: quoted by every error
    out.u16(0);
    out.u8(hop_limit);
    out.u8(protocol);
    out.u16(0);
    out.put(ends.source.v4());
    out.put(ends.destination.v4());
    out.patch_u16(10, internet_checksum(out.bytes()));
  } else {
    out.u32(std::uint32_t{6} << 28);
    out.u16(static_cast<std::uint16_t>(payload.size()));
    out.u8(protocol);
    out.u8(hop_limit);
    out.put(ends.source.v6());
    out.put(ends.destination.v6());
  }
  out.put(payload);
  return out.release();
}

std::uint8_t icmp_of(const Ends& ends) { return ends.source.is_v4() ? wire::kIcmp : wire::kIcmpv6; }

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kIcmp:
      return "icmp";
    case Protocol::kUdp:
      return "udp";
    case Protocol::kTcp:
      return "tcp";
  }
  return "icmp";
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  sum = add(bytes, sum);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes make_inner(const Flow& flow, Token token, std::uint8_t hop_limit) {
  const Ends ends{flow.source, flow.destination};
  switch (flow.protocol) {
    case Protocol::kUdp:
      return ip_packet(ends, wire::kUdp, token, hop_limit, datagram(flow, ends, token));
    case Protocol::kTcp:
      return ip_packet(ends, wire::kTcp, token, hop_limit, syn(flow, ends, token));
    case Protocol::kIcmp:
      break;
  }
  return ip_packet(ends, icmp_of(ends), token, hop_limit, echo(ends, token, false));
}

Bytes make_inner_reply(const Flow& flow, Token token, std::uint8_t hop_limit) {
  const Ends back{flow.destination, flow.source};
  return ip_packet(back, icmp_of(back), token, hop_limit, echo(back, token, true));
}

Result<Bytes> encapsulate(const Outer& outer, Family inner_family,
                          std::span<const std::uint8_t> inner) {
  const std::uint8_t protocol = inner_family == Family::kIpv4 ? wire::kIpv4 : wire::kIpv6;
  if (outer.visits.empty()) return failure("make probe", {}, "the segment list is empty");
  Bytes header;
  // RFC 8986 section 5.2: one SID needs no SRH.
  const bool bare = outer.visits.size() == 1 &&
                    (outer.mode == srv6::EncapMode::kEncapsReduced || !outer.srh_for_one);
  if (!bare) {
    const auto srh = srv6::make_srh(outer.visits, outer.mode, protocol);
    if (!srh) return tl::unexpected(srh.error());
    auto encoded = srv6::encode(*srh);
    if (!encoded) return tl::unexpected(encoded.error());
    header = std::move(*encoded);
  }
  ByteWriter out;
  out.u32(std::uint32_t{6} << 28 | std::uint32_t{outer.traffic_class} << 20 |
          (outer.flow_label & kFlowLabelMask));
  out.u16(static_cast<std::uint16_t>(header.size() + inner.size()));
  out.u8(bare ? protocol : wire::kRouting);
  out.u8(outer.hop_limit);
  out.put(outer.source);
  out.put(outer.visits.front().address());
  out.put(header);
  out.put(inner);
  return out.release();
}

}  // namespace sextant::trace
