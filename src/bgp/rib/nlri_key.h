// NLRI as route keys and back.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "bgp/rib/route_key.h"
#include "bgp/wire/family.h"
#include "bgp/wire/nlri.h"

namespace sextant::bgp {

/// Bytes of the longest key of a known family (is_known).
[[nodiscard]] std::size_t key_bytes(Family family);

[[nodiscard]] inline RouteKey key_of(const PrefixNlri& nlri) {
  return RouteKey::make(nlri.bytes, nlri.length);
}
[[nodiscard]] RouteKey key_of(const SrPolicyNlri& nlri);
[[nodiscard]] RouteKey key_of(const VpnNlri& nlri);
[[nodiscard]] inline RouteKey key_of(const IpPrefix& prefix) {
  return key_of(PrefixNlri::of(prefix));
}

// Preconditions: the key is of a family of that kind.
[[nodiscard]] inline PrefixNlri prefix_nlri(const RouteKey& key) {
  PrefixNlri nlri;
  std::memcpy(nlri.bytes.data(), key.words.data(), nlri.bytes.size());
  nlri.length = key.length;
  return nlri;
}
[[nodiscard]] SrPolicyNlri sr_policy_nlri(const RouteKey& key);
/// Without label.
[[nodiscard]] VpnNlri vpn_nlri(const RouteKey& key);

/// "fd00::/64", "4:94:fd12::1000", "65000:1:10.0.0.0/8". Of BGP-LS: see Rib::name_of.
[[nodiscard]] std::string to_string(Family family, const RouteKey& key);
/// The prefix that filters look at: of unicast and VPN routes the prefix, of SR Policies the
/// endpoint as a host prefix, of BGP-LS ::/0.
[[nodiscard]] IpPrefix filter_prefix(Family family, const RouteKey& key);

}  // namespace sextant::bgp
