// A segment list as written -> as the headend encapsulates it, or why it cannot.
#pragma once

#include <cstddef>
#include <string>
#include <tl/expected.hpp>

#include "overlay/directory.h"
#include "overlay/intent.h"

namespace sextant::overlay {

/// Why a segment list is not valid, in words that follow "segment list 1: ".
using Fault = std::string;

struct ListContext {
  const Directory& nodes;
  const NodeFacts* endpoint = nullptr;  // null: no node has the endpoint's address
  Family family = Family::kIpv6;        // of the inner packets
  std::size_t max_segments = 0;         // service SID included
};

/// Completes the list (DESIGN "Policies: the semantics"): names become End SIDs, and where the last
/// SID does not decapsulate at the endpoint (by the node's own facts, else by the behavior that
/// came with the list) its service SID of the family is appended. A foreign endpoint, or one
/// without service SIDs, has nothing to append: the list is taken as it is.
///
/// Ends at another node: the last SID lies in the locator of another node, or decapsulates at one.
/// Routers do not count with their End SIDs: to pass a router last is what a transport-only list is
/// for.
[[nodiscard]] tl::expected<srv6::SegmentList, Fault> complete(const WeightedSegments& list,
                                                              const ListContext& context);

}  // namespace sextant::overlay
