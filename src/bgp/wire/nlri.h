// Network layer reachability information: what a route is for. RFC 4271 section 4.3 (prefixes),
// RFC 8277 and RFC 4364 (VPN), RFC 9830 section 2.1 (SR Policy).
//
// Cursors walk over the bytes of an UPDATE without allocating. One that meets bytes it cannot read
// ends and is not ok(); split_update has checked them all before, so later walks cannot fail.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/ip.h"
#include "bgp/wire/family.h"
#include "srv6/policy.h"

namespace sextant::bgp {

/// A prefix without its family: masked (the bits behind `length` are zero), IPv4 in the first four
/// bytes.
struct PrefixNlri {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t length = 0;
  [[nodiscard]] static PrefixNlri of(const IpPrefix& prefix);
  [[nodiscard]] IpPrefix prefix(Afi afi) const;
  friend constexpr auto operator<=>(const PrefixNlri&, const PrefixNlri&) = default;
};

/// RFC 9830 section 2.1. The key of an SR Policy's candidate path.
struct SrPolicyNlri {
  std::uint32_t distinguisher = 0;
  srv6::Color color;
  IpAddress endpoint;  // of the NLRI's family; unspecified is the null endpoint
  [[nodiscard]] std::string to_string() const;  // "4:94:fd12::1000"
  friend constexpr auto operator<=>(const SrPolicyNlri&, const SrPolicyNlri&) = default;
};

/// RFC 4364 section 4.3.4. Route distinguisher and prefix are the key, the label is not
/// (RFC 8277 section 2.4).
struct VpnNlri {
  std::array<std::uint8_t, 8> distinguisher{};
  PrefixNlri prefix;
  std::uint32_t label =
      0;  // all 24 bits of the field, as on the wire (RFC 9252 transposes into it)
  [[nodiscard]] std::string to_string(Afi afi) const;  // "65000:1:10.0.0.0/8"
  friend constexpr auto operator<=>(const VpnNlri&, const VpnNlri&) = default;
};

class PrefixNlriCursor {
 public:
  PrefixNlriCursor(Afi afi, std::span<const std::uint8_t> bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), bits_(afi == Afi::kIpv4 ? 32 : 128) {}
  /// Reads the next one; false at the end and at an error.
  [[nodiscard]] bool next(PrefixNlri& nlri);
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  unsigned bits_;
  bool ok_ = true;
};

class SrPolicyNlriCursor {
 public:
  SrPolicyNlriCursor(Afi afi, std::span<const std::uint8_t> bytes) : afi_(afi), reader_(bytes) {}
  /// Skips those of the other family's length: they are malformed, but the next one can be found
  /// (RFC 9830 section 5).
  [[nodiscard]] bool next(SrPolicyNlri& nlri);
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t skipped() const { return skipped_; }

 private:
  Afi afi_;
  ByteReader reader_;
  std::size_t skipped_ = 0;
  bool ok_ = true;
};

class VpnNlriCursor {
 public:
  VpnNlriCursor(Afi afi, std::span<const std::uint8_t> bytes)
      : bits_(afi == Afi::kIpv4 ? 32 : 128), reader_(bytes) {}
  [[nodiscard]] bool next(VpnNlri& nlri);
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  unsigned bits_;
  ByteReader reader_;
  bool ok_ = true;
};

void encode(const PrefixNlri& nlri, std::vector<std::uint8_t>& out);
void encode(const SrPolicyNlri& nlri, std::vector<std::uint8_t>& out);
void encode(const VpnNlri& nlri, std::vector<std::uint8_t>& out);

/// Bytes that encode() appends.
[[nodiscard]] constexpr std::size_t encoded_size(const PrefixNlri& nlri) {
  return 1U + (nlri.length + 7U) / 8U;
}
[[nodiscard]] constexpr std::size_t encoded_size(const SrPolicyNlri& nlri) {
  return nlri.endpoint.is_v4() ? 13 : 25;
}
[[nodiscard]] constexpr std::size_t encoded_size(const VpnNlri& nlri) {
  return 11 + encoded_size(nlri.prefix);
}

/// Walks over NLRI of a known family without keeping them.
struct NlriCheck {
  bool ok = true;
  std::size_t count = 0;    // that can be read
  std::size_t skipped = 0;  // malformed ones between them
};
[[nodiscard]] NlriCheck check_nlri(Family family, std::span<const std::uint8_t> bytes);

// ---- Inline: half a million of these a second is little -----------------------------------------

inline bool PrefixNlriCursor::next(PrefixNlri& nlri) {
  if (at_ == end_) return false;
  const unsigned bits = *at_;
  const std::size_t bytes = (bits + 7) / 8;
  const auto left = static_cast<std::size_t>(end_ - at_) - 1;
  if (bits > bits_ || bytes > left) {
    ok_ = false;
    at_ = end_;
    return false;
  }
  ++at_;
  nlri.length = static_cast<std::uint8_t>(bits);
  // Sixteen bytes at once where they are there; the mask removes what belongs to the next prefix.
  std::uint64_t half[2] = {};
  if (left >= 16) {
    std::memcpy(half, at_, 16);
  } else {
    std::memcpy(half, at_, bytes);
  }
  std::uint64_t mask[2];
  mask[0] = bits >= 64 ? ~0ULL : ~(~0ULL >> bits);
  mask[1] = bits <= 64 ? 0 : bits == 128 ? ~0ULL : ~(~0ULL >> (bits - 64));
  if constexpr (std::endian::native == std::endian::little) {
    mask[0] = __builtin_bswap64(mask[0]);
    mask[1] = __builtin_bswap64(mask[1]);
  }
  half[0] &= mask[0];
  half[1] &= mask[1];
  std::memcpy(nlri.bytes.data(), half, 16);
  at_ += bytes;
  return true;
}

}  // namespace sextant::bgp
