// The BGP Prefix-SID attribute with SRv6 services. RFC 8669, RFC 9252 sections 2 to 4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "srv6/behavior.h"
#include "srv6/sid.h"

namespace sextant::bgp {

/// RFC 9252 section 3.2.1. The part of the SID that lies in the route's label field: `length` bits
/// from bit `offset` on; length 0: nothing is transposed.
struct Transposition {
  std::uint8_t length = 0;
  std::uint8_t offset = 0;
  friend bool operator==(const Transposition&, const Transposition&) = default;
};

/// RFC 9252 section 3.1, SRv6 SID Information sub-TLV.
struct ServiceSid {
  Ipv6Address sid;  // as on the wire: see full_sid
  std::uint8_t flags = 0;
  srv6::Behavior behavior = srv6::Behavior::kOpaque;  // any code point
  std::optional<srv6::SidStructure> structure = {};
  Transposition transposition = {};
  friend bool operator==(const ServiceSid&, const ServiceSid&) = default;
};

/// RFC 9252 section 4: the SID with the bits of the route's label field (24 bits, VpnNlri::label)
/// put back. None where the lengths make no SID.
[[nodiscard]] std::optional<Ipv6Address> full_sid(const ServiceSid& sid, std::uint32_t label);

struct PrefixSidTlv {
  std::uint8_t type = 0;
  std::vector<std::uint8_t> value = {};
  friend bool operator==(const PrefixSidTlv&, const PrefixSidTlv&) = default;
};

struct PrefixSid {
  std::vector<ServiceSid> l3_services = {};  // TLV 5; RFC 9252 section 3.1: the first is used
  std::vector<PrefixSidTlv> others = {};     // label index, L2 services, unknown
  friend bool operator==(const PrefixSid&, const PrefixSid&) = default;
};

/// Of the attribute's value. Errors (RFC 8669 section 6, RFC 9252 section 7): a TLV or sub-TLV that
/// overruns, a SID structure that exceeds 128 bits.
[[nodiscard]] Result<PrefixSid> decode_prefix_sid(std::span<const std::uint8_t> value);
[[nodiscard]] std::vector<std::uint8_t> encode(const PrefixSid& prefix_sid);

}  // namespace sextant::bgp
