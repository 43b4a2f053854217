// Packets that ask whether something can be reached: an echo request, in the clear or behind the
// outer header that a headend would write. RFC 792, RFC 4443 section 4, RFC 8754, RFC 2473.
//
// Each carries its number twice: as the echo's sequence number, which the answer repeats, and as
// the flow label of the (outer) IPv6 header, which ICMPv6 errors quote however little they quote.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "srv6/segment_list.h"

namespace sextant::doctor {

using Bytes = std::vector<std::uint8_t>;

struct Echo {
  IpAddress source, destination;
  std::uint16_t identifier = 0;
  std::uint16_t number = 0;
  /// Bytes of the whole packet, filled up with zeros; what the headers need at least.
  std::size_t size = 0;
};
[[nodiscard]] Bytes make_echo(const Echo& echo);

struct OuterHeader {
  Ipv6Address source, destination;
  std::optional<srv6::Srh> srh;  // its next header is set here
  std::uint16_t number = 0;
};
[[nodiscard]] Result<Bytes> encapsulate(const OuterHeader& outer, Family inner_family,
                                        std::span<const std::uint8_t> inner);

/// The SRH of a packet that has one segment left before `last`: as it looks on its way from the
/// last but one. `depth` (at least 2) SIDs in all; `filler` stands for those that are done.
[[nodiscard]] srv6::Srh srh_near_its_end(const srv6::Sid& filler, const srv6::Sid& end,
                                         const srv6::Sid& last, std::size_t depth);

/// What came back, from an ICMP message (without the IP header).
struct ProbeAnswer {
  std::uint16_t number = 0;
  bool error = false;
  std::uint8_t type = 0, code = 0;
  std::uint32_t mtu = 0;    // of a Packet Too Big
  Ipv6Address destination;  // of the packet that an error quotes
};
[[nodiscard]] std::optional<ProbeAnswer> read_icmp(std::span<const std::uint8_t> message,
                                                   std::uint16_t identifier);
[[nodiscard]] std::optional<ProbeAnswer> read_icmpv6(std::span<const std::uint8_t> message,
                                                     std::uint16_t identifier);

}  // namespace sextant::doctor
