// Communities. RFC 1997, RFC 4360 (extended), RFC 8092 (large), RFC 9012 section 4.3 and
// RFC 9830 section 3 (Color with CO bits).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "srv6/policy.h"

namespace sextant::bgp {

struct Community {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const Community&, const Community&) = default;
};

// RFC 1997, RFC 3765, RFC 7999, RFC 8326, RFC 9494.
inline constexpr Community kNoExport{0xffffff01};
inline constexpr Community kNoAdvertise{0xffffff02};
inline constexpr Community kNoExportSubconfed{0xffffff03};
inline constexpr Community kNoPeer{0xffffff04};
inline constexpr Community kGracefulShutdown{0xffff0000};
inline constexpr Community kBlackhole{0xffff029a};
inline constexpr Community kLlgrStale{0xffff0006};
inline constexpr Community kNoLlgr{0xffff0007};

/// "64512:100", "no-export"
[[nodiscard]] std::string to_string(Community community);
[[nodiscard]] std::optional<Community> community_of(std::string_view text);

struct LargeCommunity {
  std::uint32_t administrator = 0;
  std::uint32_t data1 = 0;
  std::uint32_t data2 = 0;
  friend constexpr auto operator<=>(const LargeCommunity&, const LargeCommunity&) = default;
};
/// "64512:1:2"
[[nodiscard]] std::string to_string(const LargeCommunity& community);
[[nodiscard]] std::optional<LargeCommunity> large_community_of(std::string_view text);

/// RFC 9830 section 3: how far the choice of a policy by color may depart from (color, next hop).
enum class ColorOnly : std::uint8_t {
  kExactEndpoint = 0,  // 00: only a policy to the next hop
  kNullEndpoint = 1,   // 01: else one of the null endpoint
  kAnyEndpoint = 2,    // 10: else any of this color
  kReserved = 3,       // treated as 00
};

struct ColorCommunity {
  srv6::Color color;
  ColorOnly color_only = ColorOnly::kExactEndpoint;
  friend constexpr auto operator<=>(const ColorCommunity&, const ColorCommunity&) = default;
};

struct ExtendedCommunity {
  std::array<std::uint8_t, 8> bytes{};

  [[nodiscard]] static ExtendedCommunity of(const ColorCommunity& color);
  /// RFC 4360 section 4, IPv4-address specific: how RFC 9830 names a headend.
  [[nodiscard]] static ExtendedCommunity route_target(Ipv4Address address, std::uint16_t number);
  /// RFC 4360 section 3.1 or, above 65535, RFC 5668.
  [[nodiscard]] static ExtendedCommunity route_target(std::uint32_t asn, std::uint32_t number);

  [[nodiscard]] bool transitive() const { return (bytes[0] & 0x40) == 0; }
  [[nodiscard]] std::optional<ColorCommunity> color() const;
  [[nodiscard]] bool is_route_target() const;
  /// Of a route target in IPv4-address format.
  [[nodiscard]] std::optional<Ipv4Address> target_address() const;
  friend constexpr auto operator<=>(const ExtendedCommunity&, const ExtendedCommunity&) = default;
};
/// "color:01:94", "rt:10.0.0.1:0", "rt:64512:7", "0x0102..." of others
[[nodiscard]] std::string to_string(const ExtendedCommunity& community);

}  // namespace sextant::bgp
