// BGP-LS: routes that describe objects of a network, each by type-length-values, and the attribute
// with what is known of the object. RFC 9552 (AFI 16388, SAFI 71).
//
// A route is opaque here: whatever its type, its bytes are its key, and it is passed on byte for
// byte (RFC 9552 section 5.2). SR Policy candidate paths are read by link_state_policy.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sextant::bgp {

/// IANA "BGP-LS NLRI Types". Others may come from a peer.
enum class LinkStateType : std::uint16_t {
  kNode = 1,
  kLink = 2,
  kIpv4Prefix = 3,
  kIpv6Prefix = 4,
  kSrPolicyPath = 5,
  kSrv6Sid = 6,
};

/// One route: type, length and value as they came.
struct LinkStateNlri {
  std::vector<std::uint8_t> bytes;
  [[nodiscard]] LinkStateType type() const;
  /// An SR Policy's candidate path in words (link_state_policy.h); "link-state type 1, 39 bytes,
  /// 8 of them" as hexadecimal digits of others.
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const LinkStateNlri&, const LinkStateNlri&) = default;
};

/// Walks over routes without allocating.
class LinkStateNlriCursor {
 public:
  explicit LinkStateNlriCursor(std::span<const std::uint8_t> bytes)
      : bytes_(bytes), reader_(bytes) {}
  /// Skips malformed ones: the next one can be found (RFC 9552 section 8.2.2). The span is the
  /// whole route.
  [[nodiscard]] bool next(std::span<const std::uint8_t>& nlri);
  [[nodiscard]] bool ok() const { return reader_.ok(); }
  [[nodiscard]] std::size_t skipped() const { return skipped_; }

 private:
  std::span<const std::uint8_t> bytes_;
  ByteReader reader_;
  std::size_t skipped_ = 0;
};

struct LinkStateTlv {
  std::uint16_t type = 0;
  std::span<const std::uint8_t> value;
};

/// Walks over type-length-values. RFC 9552 section 5.1.
class LinkStateTlvCursor {
 public:
  explicit LinkStateTlvCursor(std::span<const std::uint8_t> tlvs) : reader_(tlvs) {}
  [[nodiscard]] bool next(LinkStateTlv& tlv);
  [[nodiscard]] bool ok() const { return reader_.ok(); }

 private:
  ByteReader reader_;
};

/// Writes a TLV around what `content` writes.
template <typename Content>
void put_tlv(ByteWriter& out, std::uint16_t type, Content content) {
  out.u16(type);
  const auto length_at = out.size();
  out.u16(0);
  content();
  out.patch_u16(length_at, static_cast<std::uint16_t>(out.size() - length_at - 2));
}

/// What is wrong with the value of a BGP-LS attribute (29), for which it is left out while the
/// route stands; empty: nothing. Of TLVs that are not known, only the framing counts. RFC 9552
/// section 8.2.2.
[[nodiscard]] std::string link_state_attribute_fault(std::span<const std::uint8_t> value);

void encode(const LinkStateNlri& nlri, std::vector<std::uint8_t>& out);
[[nodiscard]] inline std::size_t encoded_size(const LinkStateNlri& nlri) {
  return nlri.bytes.size();
}

}  // namespace sextant::bgp
