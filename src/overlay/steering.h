// What one node gives to this node's Forwarding: paths to it, and which of them its prefixes take.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "overlay/policies.h"
#include "overlay/validation.h"

namespace sextant::overlay {

/// One node's part. The parts of different nodes have no key in common, since rulings made prefixes
/// and addresses unique.
struct NodePart {
  std::map<srv6::Sid, LocalSid> local_sids;
  std::map<PathKey, Path> paths;
  std::map<RouteKey, RouteTarget> routes;
  std::map<IpPrefix, Ipv6Address> locator_routes;
  std::map<PathKey, std::vector<IpPrefix>> steered;  // by policy; sorted
};

/// The node's own facts.
[[nodiscard]] ForwardingDiff::Identity identity_of(const NodeFacts& self);
/// Its local SIDs, and `unreachable` for its own prefixes: no loops, no blind encapsulation.
[[nodiscard]] NodePart own_part(const NodeFacts& self);
/// Plain paths to another node, and routes to its pods and addresses by its best policies.
[[nodiscard]] NodePart remote_part(const NodeFacts& node, const PolicyTable& policies);

}  // namespace sextant::overlay
