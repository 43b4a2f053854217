// Import and export filters: which routes pass, by prefix and community.
//
// Rules are tried in order, the first one that matches decides, else the default. A rule matches
// where all it names match. The prefix of an SR Policy is its endpoint, of a VPN route the prefix
// behind the route distinguisher.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/community.h"
#include "srv6/policy.h"

namespace sextant::bgp {

struct FilterRule {
  bool accept = true;
  std::string name = {};  // for the reason of a rejection: "rule 'pods'"
  /// Routes within it whose lengths lie between the two; an unset length is the prefix's own for
  /// the lower and, where that is unset too, for the upper bound ("exactly this prefix").
  std::optional<IpPrefix> within = {};
  bool outside = false;  // the routes of its family that the above does not match
  std::optional<std::uint8_t> min_length = {};
  std::optional<std::uint8_t> max_length = {};
  // Routes that carry at least one of these, of whichever kind.
  std::vector<Community> communities = {};
  std::vector<LargeCommunity> large_communities = {};
  std::vector<ExtendedCommunity> extended_communities = {};
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

struct RouteFilter {
  std::vector<FilterRule> rules = {};
  bool accept_others = true;

  /// Whether a rule looks at communities: only then the attributes need be decoded.
  [[nodiscard]] bool asks_for_communities() const;
  /// None where the route passes, else why not. `attributes` may be null where asks_for_communities
  /// is false.
  [[nodiscard]] std::optional<std::string> reject(const IpPrefix& prefix,
                                                  const Attributes* attributes) const;
  friend bool operator==(const RouteFilter&, const RouteFilter&) = default;
};

}  // namespace sextant::bgp
