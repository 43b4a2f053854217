// The Tunnel Encapsulation attribute: tunnels, each with its sub-TLVs. RFC 9012 sections 2 and 3.
// What an SR Policy holds is in sr_policy_tunnel.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sextant::bgp {

inline constexpr std::uint16_t kTunnelTypeSrPolicy = 15;

/// A type-length-value, its value byte for byte.
struct SubTlv {
  std::uint8_t type = 0;
  std::vector<std::uint8_t> value = {};
  friend bool operator==(const SubTlv&, const SubTlv&) = default;
};

/// RFC 9012 section 2: types from 128 on have a two-byte length.
void encode(const SubTlv& sub_tlv, ByteWriter& out);

/// One tunnel; its sub-TLVs lie in the attribute.
struct TunnelView {
  std::uint16_t type = 0;
  std::span<const std::uint8_t> sub_tlvs;
};

/// Walks over an attribute's value without allocating.
class TunnelCursor {
 public:
  explicit TunnelCursor(std::span<const std::uint8_t> attribute) : reader_(attribute) {}
  [[nodiscard]] bool next(TunnelView& tunnel);
  [[nodiscard]] bool ok() const { return reader_.ok(); }

 private:
  ByteReader reader_;
};

struct SubTlvView {
  std::uint8_t type = 0;
  std::span<const std::uint8_t> value;
};

/// Walks over a tunnel's sub-TLVs. RFC 9012 section 2.
class SubTlvCursor {
 public:
  explicit SubTlvCursor(std::span<const std::uint8_t> sub_tlvs) : reader_(sub_tlvs) {}
  [[nodiscard]] bool next(SubTlvView& sub_tlv);
  [[nodiscard]] bool ok() const { return reader_.ok(); }

 private:
  ByteReader reader_;
};

}  // namespace sextant::bgp
