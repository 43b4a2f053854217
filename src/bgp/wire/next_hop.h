// Next hops of MP_REACH_NLRI. RFC 4760 section 3, RFC 2545 (IPv6 with a link-local address),
// RFC 4364/4659 (VPN: behind a route distinguisher of zero), RFC 8950 (IPv4 through IPv6),
// RFC 9830 section 2.1 and RFC 9552 section 5.5 (SR Policy, BGP-LS: of either family).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/family.h"

namespace sextant::bgp {

struct NextHop {
  IpAddress address;
  std::optional<Ipv6Address> link_local = {};
  friend auto operator<=>(const NextHop&, const NextHop&) = default;
};

/// None where the length does not fit the family.
[[nodiscard]] std::optional<NextHop> decode_next_hop(Family family,
                                                     std::span<const std::uint8_t> bytes);
/// Without the length byte in front.
void encode_next_hop(Family family, const NextHop& next_hop, std::vector<std::uint8_t>& out);
/// Whether a route can go there: neither unspecified, loopback nor multicast (RFC 4271
/// section 6.3).
[[nodiscard]] bool is_usable(const NextHop& next_hop);

}  // namespace sextant::bgp
