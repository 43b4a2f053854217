// What tells routes of one family apart, as a value of fixed size without allocation.
//
// Bytes are those of the NLRI in network order, left-aligned and zero-padded, so that two keys are
// equal exactly where their NLRI name the same destination:
//   IPv4, IPv6 unicast   prefix; length in bits (RFC 4271 section 4.3)
//   VPNv4, VPNv6         route distinguisher, prefix; length in bits of both. Labels are not part
//   of
//                        the key (RFC 8277 section 2.4)
//   SR Policy            distinguisher, color, endpoint; length 96 or 192 (RFC 9830 section 2.1)
//   BGP-LS               a number that stands for the NLRI in one RIB (link_state_names.h)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sextant::bgp {

struct RouteKey {
  static constexpr std::size_t kMaxBytes = 24;
  std::array<std::uint64_t, 3> words{};  // bytes in memory order
  std::uint8_t length = 0;               // bits

  /// `bytes` are already masked to `length` bits; what exceeds kMaxBytes is not taken.
  [[nodiscard]] static RouteKey make(std::span<const std::uint8_t> bytes, std::uint8_t length) {
    RouteKey key;
    const auto size = bytes.size() < kMaxBytes ? bytes.size() : kMaxBytes;
    if (size > 0) std::memcpy(key.words.data(), bytes.data(), size);
    key.length = length;
    return key;
  }
  /// The bytes that `length` bits take.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(words.data()), (length + 7U) / 8U};
  }
  friend bool operator==(const RouteKey&, const RouteKey&) = default;
};

}  // namespace sextant::bgp
