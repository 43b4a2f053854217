// Small questions of a BgpSource about nodes and peers. Private to this room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "bgp/config.h"
#include "overlay/intent.h"

namespace sextant::bgp_source {

inline std::optional<Ipv6Address> ipv6_of(const overlay::Node& node) {
  const auto found = std::ranges::find_if(node.addresses, &IpAddress::is_v6);
  if (found == node.addresses.end()) return std::nullopt;
  return found->v6();
}

inline std::optional<Ipv4Address> ipv4_of(const overlay::Node& node) {
  const auto found = std::ranges::find_if(node.addresses, &IpAddress::is_v4);
  if (found == node.addresses.end()) return std::nullopt;
  return found->v4();
}

/// The BGP identifier of a node that is given none: its first IPv4 address; of one without, as in a
/// cluster of IPv6 alone, a number that follows from its IPv6 address (FNV-1a: the same in every
/// release, since route targets name headends by it). It need only be unique in its AS (RFC 6286);
/// the first byte is that of a host's address, for speakers that insist on one.
inline Ipv4Address identifier_of(const overlay::Node& node) {
  if (const auto address = ipv4_of(node)) return *address;
  const auto address = ipv6_of(node);
  if (!address) return {};
  std::uint32_t hash = 2166136261U;
  for (const auto byte : address->bytes()) hash = (hash ^ byte) * 16777619U;
  constexpr std::uint32_t kHostBytes = 223;  // 1 to 223
  const auto byte = [hash](unsigned shift) { return static_cast<std::uint8_t>(hash >> shift); };
  return Ipv4Address(
      {static_cast<std::uint8_t>(1 + (hash >> 24) % kHostBytes), byte(16), byte(8), byte(0)});
}

/// Calico-VPP's convention, in either form.
inline bool follows_calico(const bgp::PeerConfig& peer) {
  return peer.dialect != bgp::SrPolicyDialect::kStandard;
}

}  // namespace sextant::bgp_source
