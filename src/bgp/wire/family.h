// Address families of BGP routes. RFC 4760, RFC 4364/4659 (VPN), RFC 9830 (SR Policy), RFC 9552
// (BGP-LS).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::bgp {

/// IANA "Address Family Numbers". Others may come from a peer.
enum class Afi : std::uint16_t { kIpv4 = 1, kIpv6 = 2, kLinkState = 16388 };

/// IANA "SAFI Values". Others may come from a peer.
enum class Safi : std::uint8_t { kUnicast = 1, kLinkState = 71, kSrPolicy = 73, kMplsVpn = 128 };

struct Family {
  Afi afi = Afi::kIpv6;
  Safi safi = Safi::kUnicast;
  friend constexpr auto operator<=>(const Family&, const Family&) = default;
};

inline constexpr Family kIpv4Unicast{Afi::kIpv4, Safi::kUnicast};
inline constexpr Family kIpv6Unicast{Afi::kIpv6, Safi::kUnicast};
inline constexpr Family kVpnv4{Afi::kIpv4, Safi::kMplsVpn};
inline constexpr Family kVpnv6{Afi::kIpv6, Safi::kMplsVpn};
inline constexpr Family kSrPolicyIpv4{Afi::kIpv4, Safi::kSrPolicy};
inline constexpr Family kSrPolicyIpv6{Afi::kIpv6, Safi::kSrPolicy};
inline constexpr Family kLinkState{Afi::kLinkState, Safi::kLinkState};
inline constexpr Family kFamilies[] = {kIpv4Unicast,  kIpv6Unicast,  kVpnv4,    kVpnv6,
                                       kSrPolicyIpv4, kSrPolicyIpv6, kLinkState};

/// One of kFamilies: its NLRI can be read.
[[nodiscard]] bool is_known(Family family);
/// "ipv4-unicast", "ipv6-unicast", "ipv4-vpn", "ipv6-vpn", "ipv4-srpolicy", "ipv6-srpolicy",
/// "link-state"; "afi 25 safi 70" of others.
[[nodiscard]] std::string to_string(Family family);
/// The family of a name as to_string prints it.
[[nodiscard]] std::optional<Family> family_of(std::string_view name);

}  // namespace sextant::bgp
