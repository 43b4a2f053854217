// Small questions of a BgpSource about nodes and peers. Private to this room.
#pragma once

#include <algorithm>
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

/// Calico-VPP's convention, in either form.
inline bool follows_calico(const bgp::PeerConfig& peer) {
  return peer.dialect != bgp::SrPolicyDialect::kStandard;
}

}  // namespace sextant::bgp_source
