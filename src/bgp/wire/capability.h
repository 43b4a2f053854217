// Capabilities of an OPEN. RFC 5492 and the one of each field below.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "bgp/wire/family.h"

namespace sextant::bgp {

/// RFC 4724 section 3, RFC 8538 section 2.
struct GracefulRestart {
  struct FamilyState {
    Family family;
    bool forwarding_preserved = false;  // F bit
    friend bool operator==(const FamilyState&, const FamilyState&) = default;
  };
  bool restarted = false;     // R bit
  bool notification = false;  // N bit (RFC 8538)
  std::uint16_t seconds = 0;  // 12 bits
  std::vector<FamilyState> families = {};
  friend bool operator==(const GracefulRestart&, const GracefulRestart&) = default;
};

/// RFC 8950 section 4: routes of `family` may have next hops of `next_hop`.
struct ExtendedNextHop {
  Family family;
  Afi next_hop = Afi::kIpv6;
  friend bool operator==(const ExtendedNextHop&, const ExtendedNextHop&) = default;
};

struct UnknownCapability {
  std::uint8_t code = 0;
  std::vector<std::uint8_t> value = {};
  friend bool operator==(const UnknownCapability&, const UnknownCapability&) = default;
};

struct Capabilities {
  std::vector<Family> families = {};                     // 1, RFC 4760 section 8
  bool route_refresh = false;                            // 2, RFC 2918
  std::vector<ExtendedNextHop> extended_next_hops = {};  // 5, RFC 8950
  bool extended_message = false;                         // 6, RFC 8654
  std::optional<GracefulRestart> graceful_restart = {};  // 64, RFC 4724
  std::optional<std::uint32_t> four_octet_as = {};       // 65, RFC 6793
  bool enhanced_route_refresh = false;                   // 70, RFC 7313
  std::vector<UnknownCapability> unknown = {};           // kept for the operator's eyes
  [[nodiscard]] bool has(Family family) const;
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

/// Reads one Capabilities parameter's value into `capabilities` (several may come, RFC 5492
/// section 4; of one that may stand once, the last counts). Error: a capability that overruns the
/// parameter, or a known one whose length is wrong.
[[nodiscard]] Result<void> decode_capabilities(std::span<const std::uint8_t> parameter,
                                               Capabilities& capabilities);
/// One after another; unknown ones last, as they are.
void encode_capabilities(const Capabilities& capabilities, ByteWriter& out);

}  // namespace sextant::bgp
