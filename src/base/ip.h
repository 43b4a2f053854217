// IP addresses and prefixes of both families, as values.
//
// Bytes are in network order. Text follows RFC 4291 and RFC 5952 (lower case, longest run of zeros
// compressed). Prefixes are always masked: host bits are zero.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant {

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

/// "IPv4" or "IPv6"
[[nodiscard]] std::string_view to_string(Family family);
/// 32 or 128
[[nodiscard]] constexpr std::uint8_t address_bits(Family family) {
  return family == Family::kIpv4 ? 32 : 128;
}

class Ipv4Address {
 public:
  using Bytes = std::array<std::uint8_t, 4>;
  constexpr Ipv4Address() = default;
  constexpr explicit Ipv4Address(Bytes bytes) : bytes_(bytes) {}
  /// Dotted quad; `Error::object` is the text.
  [[nodiscard]] static Result<Ipv4Address> parse(std::string_view text);
  [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;

 private:
  Bytes bytes_{};
};

class Ipv6Address {
 public:
  using Bytes = std::array<std::uint8_t, 16>;
  constexpr Ipv6Address() = default;
  constexpr explicit Ipv6Address(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] static Result<Ipv6Address> parse(std::string_view text);
  [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_unspecified() const { return *this == Ipv6Address{}; }
  [[nodiscard]] bool is_multicast() const { return bytes_[0] == 0xff; }
  [[nodiscard]] bool is_link_local() const {
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

 private:
  Bytes bytes_{};
};

/// An address of either family. Ordered by family, then by bytes.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  constexpr IpAddress(Ipv4Address address) : family_(Family::kIpv4) {  // NOLINT: a widening
    for (std::size_t i = 0; i < 4; ++i) bytes_[i] = address.bytes()[i];
  }
  constexpr IpAddress(Ipv6Address address)  // NOLINT: a widening
      : family_(Family::kIpv6), bytes_(address.bytes()) {}
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr bool is_v4() const { return family_ == Family::kIpv4; }
  [[nodiscard]] constexpr bool is_v6() const { return family_ == Family::kIpv6; }
  /// Precondition: the family fits.
  [[nodiscard]] Ipv4Address v4() const;
  [[nodiscard]] Ipv6Address v6() const;
  /// 4 or 16 bytes, network order.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return {bytes_.data(), is_v4() ? 4U : 16U};
  }
  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::kIpv6;
  std::array<std::uint8_t, 16> bytes_{};
};

/// A prefix of either family; masked. Ordered by family, bytes, length.
class IpPrefix {
 public:
  constexpr IpPrefix() = default;
  /// Host bits are cleared; `length` is cut to the family's bits.
  IpPrefix(const IpAddress& address, std::uint8_t length);
  /// "10.0.1.0/24"; a bare address is a host prefix. Host bits set are an error (with the masked
  /// form as hint).
  [[nodiscard]] static Result<IpPrefix> parse(std::string_view text);
  [[nodiscard]] static IpPrefix host(const IpAddress& address);
  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] std::uint8_t length() const { return length_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] bool is_host() const { return length_ == address_bits(family()); }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool contains(const IpPrefix& other) const;
  [[nodiscard]] bool overlaps(const IpPrefix& other) const {
    return contains(other) || other.contains(*this);
  }
  /// The address at `offset` from the start; none where that lies outside of the prefix.
  [[nodiscard]] std::optional<IpAddress> at(std::uint64_t offset) const;
  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

}  // namespace sextant

template <>
struct std::hash<sextant::IpAddress> {
  std::size_t operator()(const sextant::IpAddress& address) const noexcept;
};
template <>
struct std::hash<sextant::Ipv6Address> {
  std::size_t operator()(const sextant::Ipv6Address& address) const noexcept;
};
template <>
struct std::hash<sextant::IpPrefix> {
  std::size_t operator()(const sextant::IpPrefix& prefix) const noexcept;
};
