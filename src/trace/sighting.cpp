#include "trace/sighting.h"

#include <algorithm>

#include "base/bytes.h"
#include "trace/wire.h"

namespace sextant::trace {
namespace {

using View = std::span<const std::uint8_t>;

struct IpHeader {
  IpAddress source, destination;
  std::uint8_t protocol = 0;
  std::uint16_t identification = 0;  // IPv4
  View payload;
};

/// An IPv4 header (RFC 791 section 3.1), or an IPv6 one (RFC 8200 section 3) without extension
/// headers. `payload` is what there is of it: errors quote packets that are cut.
std::optional<IpHeader> read_ip(View packet) {
  ByteReader in(packet);
  IpHeader header;
  const auto first = in.u8();
  if (first >> 4 == 4) {
    const std::size_t length = std::size_t{first} % 16 * 4;
    in.take(3);
    header.identification = in.u16();
    in.take(3);
    header.protocol = in.u8();
    in.take(2);
    header.source = in.ipv4();
    header.destination = in.ipv4();
    if (length < 20) return std::nullopt;
    in.take(length - 20);
  } else if (first >> 4 == 6) {
    in.take(5);
    header.protocol = in.u8();
    in.take(1);
    header.source = in.ipv6();
    header.destination = in.ipv6();
  } else {
    return std::nullopt;
  }
  header.payload = in.take(in.remaining());
  return in.ok() ? std::optional(header) : std::nullopt;
}

/// The token of a packet as make_inner() makes it.
std::optional<Token> token_of(const IpHeader& packet, const Flow& flow) {
  ByteReader in(packet.payload);
  std::uint32_t value = 0;
  switch (flow.protocol) {
    case Protocol::kIcmp:
      if (packet.protocol != (packet.source.is_v4() ? wire::kIcmp : wire::kIcmpv6)) return {};
      in.take(4);
      value = in.u32();
      break;
    case Protocol::kUdp:
    case Protocol::kTcp: {
      if (packet.protocol != (flow.protocol == Protocol::kUdp ? wire::kUdp : wire::kTcp)) return {};
      const auto source_port = in.u16();
      const auto destination_port = in.u16();
      if (!in.ok() || source_port != flow.source_port || destination_port != flow.destination_port)
        return {};
      if (flow.protocol == Protocol::kUdp) in.take(4);
      value = in.u32();
      break;
    }
  }
  if (in.ok()) return Token{value};
  // RFC 792 quotes eight bytes of the payload only; the identification repeats the low half.
  if (packet.source.is_v4()) return Token{packet.identification};
  return std::nullopt;
}

bool is_error(const IpHeader& packet, std::uint8_t type) {
  if (packet.protocol == wire::kIcmpv6) return packet.source.is_v6() && type < wire::kEcho6;
  return packet.protocol == wire::kIcmp && packet.source.is_v4() &&
         (type == wire::kUnreachable || type == wire::kTimeExceeded ||
          type == wire::kParameterProblem);
}

/// RFC 792 and RFC 4443: eight bytes, then the packet in error.
std::optional<Sighting> read_error(const IpHeader& packet, const Flow& flow) {
  ByteReader in(packet.payload);
  Sighting sighting{.from = packet.source};
  sighting.type = in.u8();
  sighting.code = in.u8();
  in.take(6);
  const View quoted = in.take(in.remaining());
  if (!in.ok() || !is_error(packet, sighting.type)) return std::nullopt;

  View inner;
  if (auto outer = read_encapsulation(quoted, inner)) {
    const auto about = read_ip(inner);
    if (!about) return std::nullopt;
    const bool there = about->source == flow.source && about->destination == flow.destination;
    const bool back = about->source == flow.destination && about->destination == flow.source;
    if (!there && !back) return std::nullopt;
    Flow as = flow;
    if (back) as.protocol = Protocol::kIcmp;  // make_inner_reply()
    const auto token = token_of(*about, as);
    if (!token) return std::nullopt;
    sighting.kind = SightingKind::kOuterError;
    sighting.token = *token;
    sighting.encapsulation = std::move(outer);
    return sighting;
  }
  const auto about = read_ip(quoted);
  if (!about || about->source != flow.source || about->destination != flow.destination)
    return std::nullopt;
  const auto token = token_of(*about, flow);
  if (!token) return std::nullopt;
  sighting.kind = SightingKind::kInnerError;
  sighting.token = *token;
  return sighting;
}

/// A packet from the flow's destination to its source.
std::optional<Sighting> read_answer(const IpHeader& packet, const Flow& flow) {
  Sighting sighting{.kind = SightingKind::kAnswer, .from = packet.source};
  ByteReader in(packet.payload);
  if (packet.protocol == (packet.source.is_v4() ? wire::kIcmp : wire::kIcmpv6)) {
    sighting.type = in.u8();
    sighting.code = in.u8();
    in.take(2);
    sighting.token = {in.u32()};
    const auto reply = packet.source.is_v4() ? wire::kEchoReply : wire::kEchoReply6;
    return in.ok() && sighting.type == reply ? std::optional(sighting) : std::nullopt;
  }
  const auto source_port = in.u16();
  const auto destination_port = in.u16();
  if (!in.ok() || source_port != flow.destination_port || destination_port != flow.source_port)
    return std::nullopt;
  if (flow.protocol == Protocol::kUdp && packet.protocol == wire::kUdp) return sighting;
  if (flow.protocol != Protocol::kTcp || packet.protocol != wire::kTcp) return std::nullopt;
  in.take(4);
  sighting.token = {in.u32() - 1};  // a SYN takes one number (RFC 9293 section 3.4)
  in.take(1);
  const auto flags = in.u8();
  if (!in.ok() || (flags & wire::kTcpAck) == 0) return std::nullopt;
  sighting.type = flags;
  return sighting;
}

std::optional<Sighting> read_plain(View packet, const Flow& flow) {
  const auto header = read_ip(packet);
  if (!header) return std::nullopt;
  if (auto error = read_error(*header, flow)) return error;
  if (header->source == flow.destination && header->destination == flow.source)
    return read_answer(*header, flow);
  if (header->source != flow.source || header->destination != flow.destination) return std::nullopt;
  const auto token = token_of(*header, flow);
  if (!token) return std::nullopt;
  return Sighting{.kind = SightingKind::kProbe, .token = *token, .from = header->source};
}

}  // namespace

std::vector<srv6::Sid> Encapsulation::named() const {
  if (!srh) return {srv6::Sid(destination)};
  return {srh->segments.rbegin(), srh->segments.rend()};
}

Outer Encapsulation::as_sent() const {
  Outer outer{.source = source,
              .visits = named(),
              .traffic_class = traffic_class,
              .flow_label = flow_label,
              .hop_limit = hop_limit};
  if (!srh) return outer;
  outer.srh_for_one = outer.visits.size() == 1;
  // RFC 8986 section 5.2: Segments Left counts one SID more than there are.
  if (srh->segments_left == srh->last_entry + 1) {
    outer.mode = srv6::EncapMode::kEncapsReduced;
    outer.visits.insert(outer.visits.begin(), srv6::Sid(destination));
  }
  return outer;
}

std::optional<Encapsulation> read_encapsulation(std::span<const std::uint8_t> packet,
                                                std::span<const std::uint8_t>& inner) {
  ByteReader in(packet);
  Encapsulation outer;
  const auto first = in.u32();
  if (first >> 28 != 6) return std::nullopt;
  outer.traffic_class = static_cast<std::uint8_t>(first >> 20);
  outer.flow_label = first & 0xfffff;
  in.take(2);
  auto protocol = in.u8();
  outer.hop_limit = in.u8();
  outer.source = in.ipv6();
  outer.destination = in.ipv6();
  View rest = in.take(in.remaining());
  if (!in.ok()) return std::nullopt;
  if (protocol == wire::kRouting) {
    auto srh = srv6::decode_srh(rest);
    if (!srh) return std::nullopt;
    protocol = srh->next_header;
    rest = rest.subspan(8 + srh->segments.size() * 16 + srh->tlvs.size());
    outer.srh = std::move(*srh);
  }
  if (protocol != wire::kIpv4 && protocol != wire::kIpv6) return std::nullopt;
  inner = rest;
  return outer;
}

std::optional<Sighting> read_sighting(std::span<const std::uint8_t> packet, const Flow& flow) {
  View inner;
  auto outer = read_encapsulation(packet, inner);
  if (!outer) return read_plain(packet, flow);
  auto sighting = read_plain(inner, flow);
  // An error about an outer packet comes in the clear; one inside a tunnel is somebody else's.
  if (!sighting || sighting->kind == SightingKind::kOuterError) return std::nullopt;
  sighting->encapsulation = std::move(outer);
  return sighting;
}

}  // namespace sextant::trace
