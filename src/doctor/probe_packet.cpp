#include "doctor/probe_packet.h"

#include <algorithm>

#include "base/bytes.h"
#include "trace/probe.h"
#include "trace/wire.h"

namespace sextant::doctor {
namespace {

namespace wire = trace::wire;

constexpr std::uint8_t kHopLimit = 64;
constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kEchoHeader = 8;

Bytes echo_message(const Echo& echo, std::size_t padding) {
  const bool v4 = echo.source.is_v4();
  ByteWriter out;
  out.u8(v4 ? wire::kEcho : wire::kEcho6);
  out.u8(0);
  out.u16(0);  // checksum
  out.u16(echo.identifier);
  out.u16(echo.number);
  out.put(Bytes(padding));
  ByteWriter summed;
  if (!v4) {  // RFC 8200 section 8.1
    summed.put(echo.source.bytes());
    summed.put(echo.destination.bytes());
    summed.u32(static_cast<std::uint32_t>(out.size()));
    summed.u32(wire::kIcmpv6);
  }
  summed.put(out.bytes());
  out.patch_u16(2, trace::internet_checksum(summed.bytes()));
  return out.release();
}

/// RFC 8200 section 3, with the probe's number as the flow label.
void put_ipv6_header(ByteWriter& out, std::size_t payload, std::uint8_t next,
                     const Ipv6Address& source, const Ipv6Address& destination,
                     std::uint16_t number) {
  out.u32(std::uint32_t{6} << 28 | number);
  out.u16(static_cast<std::uint16_t>(payload));
  out.u8(next);
  out.u8(kHopLimit);
  out.put(source);
  out.put(destination);
}

}  // namespace

Bytes make_echo(const Echo& echo) {
  const bool v4 = echo.source.is_v4();
  const std::size_t headers = (v4 ? kIpv4Header : kIpv6Header) + kEchoHeader;
  const auto message = echo_message(echo, std::max(echo.size, headers) - headers);
  ByteWriter out;
  if (v4) {  // RFC 791 section 3.1
    out.u8(0x45);
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(kIpv4Header + message.size()));
    out.u16(echo.number);
    out.u16(0x4000);  // don't fragment
    out.u8(kHopLimit);
    out.u8(wire::kIcmp);
    out.u16(0);  // checksum
    out.put(echo.source.v4());
    out.put(echo.destination.v4());
    out.patch_u16(10, trace::internet_checksum(out.bytes()));
  } else {
    put_ipv6_header(out, message.size(), wire::kIcmpv6, echo.source.v6(), echo.destination.v6(),
                    echo.number);
  }
  out.put(message);
  return out.release();
}

Result<Bytes> encapsulate(const OuterHeader& outer, Family inner_family,
                          std::span<const std::uint8_t> inner) {
  const auto carried = inner_family == Family::kIpv4 ? wire::kIpv4 : wire::kIpv6;
  Bytes header;
  if (outer.srh) {
    auto srh = *outer.srh;
    srh.next_header = carried;
    auto encoded = srv6::encode(srh);
    if (!encoded) return tl::unexpected(encoded.error());
    header = std::move(*encoded);
  }
  ByteWriter out;
  put_ipv6_header(out, header.size() + inner.size(), outer.srh ? wire::kRouting : carried,
                  outer.source, outer.destination, outer.number);
  out.put(header);
  out.put(inner);
  return out.release();
}

srv6::Srh srh_near_its_end(const srv6::Sid& filler, const srv6::Sid& end, const srv6::Sid& last,
                           std::size_t depth) {
  srv6::Srh srh{.segments_left = 1, .segments = {last, end}};
  srh.segments.resize(std::max<std::size_t>(depth, 2), filler);
  srh.last_entry = static_cast<std::uint8_t>(srh.segments.size() - 1);
  return srh;
}

std::optional<ProbeAnswer> read_icmp(std::span<const std::uint8_t> message,
                                     std::uint16_t identifier) {
  ByteReader in(message);
  ProbeAnswer answer{.type = in.u8(), .code = in.u8()};
  in.take(2);
  const auto id = in.u16();
  answer.number = in.u16();
  if (!in.ok() || answer.type != wire::kEchoReply || id != identifier) return std::nullopt;
  return answer;
}

std::optional<ProbeAnswer> read_icmpv6(std::span<const std::uint8_t> message,
                                       std::uint16_t identifier) {
  ByteReader in(message);
  ProbeAnswer answer{.type = in.u8(), .code = in.u8()};
  in.take(2);
  if (answer.type == wire::kEchoReply6) {
    const auto id = in.u16();
    answer.number = in.u16();
    return in.ok() && id == identifier ? std::optional(answer) : std::nullopt;
  }
  if (answer.type == 0 || answer.type > wire::kParameterProblem6) return std::nullopt;
  // RFC 4443 section 3: the MTU or a pointer, then the packet in error.
  const auto value = in.u32();
  if (answer.type == wire::kTooBig6) answer.mtu = value;
  const auto first = in.u32();
  in.take(4);
  in.ipv6();
  answer.destination = in.ipv6();
  if (!in.ok() || first >> 28 != 6) return std::nullopt;
  answer.error = true;
  answer.number = static_cast<std::uint16_t>(first & 0xffff);
  return (first & 0xf0000) == 0 ? std::optional(answer) : std::nullopt;
}

}  // namespace sextant::doctor
