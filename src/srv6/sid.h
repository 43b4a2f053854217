// Segment identifiers and locators. RFC 8402, RFC 8986 section 3.1.
//
// A SID is an IPv6 address LOC:FUNCT:ARG. A locator is LOC as a prefix, with the lengths of its
// parts (RFC 9252 section 3.2.1: block, node, function, argument; at most 128 bits together).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::srv6 {

class Sid {
 public:
  constexpr Sid() = default;
  constexpr explicit Sid(Ipv6Address address) : address_(address) {}
  /// Errors: not IPv6, unspecified, loopback, multicast, link-local or IPv4-mapped.
  [[nodiscard]] static Result<Sid> parse(std::string_view text);
  [[nodiscard]] constexpr const Ipv6Address& address() const { return address_; }
  [[nodiscard]] std::string to_string() const { return address_.to_string(); }
  friend constexpr auto operator<=>(const Sid&, const Sid&) = default;

 private:
  Ipv6Address address_;
};

/// Lengths in bits. block + node is the locator's prefix length.
struct SidStructure {
  std::uint8_t block = 48;
  std::uint8_t node = 16;
  std::uint8_t function = 16;
  std::uint8_t argument = 0;
  friend constexpr auto operator<=>(const SidStructure&, const SidStructure&) = default;
};

class Locator {
 public:
  Locator() = default;
  /// Errors: not IPv6, shorter than 8 or longer than 112 bits (no room for a function), addresses
  /// that are no SIDs, a structure that does not add up to the prefix, exceeds 128 bits or has a
  /// function under 8 bits (too short to tell the code points of derived SIDs apart).
  [[nodiscard]] static Result<Locator> make(const IpPrefix& prefix, const SidStructure& structure);
  /// With the customary structure: node 16 bits (half of prefixes under 32 bits), function 16 bits,
  /// argument 0.
  [[nodiscard]] static Result<Locator> make(const IpPrefix& prefix);
  [[nodiscard]] static Result<Locator> parse(std::string_view text);
  [[nodiscard]] const IpPrefix& prefix() const { return prefix_; }
  [[nodiscard]] const SidStructure& structure() const { return structure_; }
  /// LOC:function:0. `function` is cut to the function's bits; in a wider field it stands at the
  /// low end.
  [[nodiscard]] Sid sid(std::uint32_t function) const;
  [[nodiscard]] bool contains(const Sid& sid) const { return prefix_.contains(sid.address()); }
  [[nodiscard]] std::string to_string() const { return prefix_.to_string(); }
  friend auto operator<=>(const Locator&, const Locator&) = default;

 private:
  IpPrefix prefix_;
  SidStructure structure_;
};

}  // namespace sextant::srv6

template <>
struct std::hash<sextant::srv6::Sid> {
  std::size_t operator()(const sextant::srv6::Sid& sid) const noexcept {
    return std::hash<sextant::Ipv6Address>{}(sid.address());
  }
};
