// A cluster with very many pod prefixes, as a Forwarding, as lines of `ip -batch` and as manifests.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip.h"
#include "overlay/forwarding.h"

namespace sextant::bench {

inline constexpr std::uint32_t kPrefixes = 100'000;  // a family
inline constexpr std::uint32_t kNodes = 1'000;       // that have them, in turn

/// How prefixes lie in the pool.
enum class Layout {
  kPacked,     // side by side, as IPAM gives out blocks
  kScattered,  // every other block: no two can be told in one
};

/// /26 or /64.
[[nodiscard]] IpPrefix pods_of(std::uint32_t index, Family family, Layout layout);

/// The node that programs: SIDs and prefixes of its own, and nothing of others.
[[nodiscard]] overlay::Forwarding lone_node();
/// And with the family's paths to kNodes and routes of kPrefixes.
[[nodiscard]] overlay::Forwarding node_with_prefixes(Family family, Layout layout);

/// The same for `ip -batch`: a nexthop object a node, a route by nhid a prefix.
[[nodiscard]] std::string add_lines(Family family, Layout layout);
[[nodiscard]] std::string remove_lines(Family family, Layout layout);

/// Manifests of the whole cluster, kPrefixes of both families, whose node "self" has the underlay
/// address fd00::a.
[[nodiscard]] std::string manifests(std::uint32_t prefixes);

}  // namespace sextant::bench
