// The decision process, phase 2: which of a destination's paths is best. RFC 4271 section 9.1.2.2,
// with the steps of RFC 4456 section 9 (ORIGINATOR_ID, length of CLUSTER_LIST).
//
// Paths are eliminated step by step, all of them at once: MED is compared among paths of the same
// neighboring AS only, so that no order of pairs gives the same answer whatever came first.
// No weights and no age: the choice depends on the paths alone, never on their order of arrival
// (RFC 5004 is not done).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "bgp/rib/attribute_pool.h"

namespace sextant::bgp {

/// Where a path came from, best first (step d; a route of this speaker comes before both).
enum class PathSource : std::uint8_t { kLocal, kExternal, kInternal };

struct Candidate {
  const DecisionFields* fields = nullptr;
  PathSource source = PathSource::kInternal;
  bool eligible = true;         // RFC 4271 section 9.1.2: its next hop can be reached
  std::uint32_t igp_cost = 0;   // to the next hop
  std::uint32_t router_id = 0;  // the peer's BGP Identifier
  IpAddress peer_address;
  std::uint16_t peer = 0;  // last resort: two sessions with one router and address
};

/// What told the best path from the last other one.
enum class DecisionStep : std::uint8_t {
  kOnlyPath,
  kLocalPref,    // RFC 4271 section 9.1.1, 9.1.2: degree of preference
  kAsPath,       // 9.1.2.2 a
  kOrigin,       // b
  kMed,          // c
  kSource,       // d
  kIgpCost,      // e
  kRouterId,     // f, with ORIGINATOR_ID in its place (RFC 4456 section 9)
  kClusterList,  // RFC 4456 section 9
  kPeerAddress,  // g
};
/// "lower MED"
[[nodiscard]] std::string_view to_string(DecisionStep step);

struct Decision {
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t best = kNone;  // index; kNone: no path is eligible
  DecisionStep step = DecisionStep::kOnlyPath;
};

/// `scratch` spares an allocation a call.
[[nodiscard]] Decision decide(std::span<const Candidate> candidates,
                              std::vector<std::uint32_t>& scratch);

}  // namespace sextant::bgp
