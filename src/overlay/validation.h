// What is left of a node once it is validated: alone (shape) and against the others (claims).
//
// Whatever is wrong is left out with a Problem; the rest of the node stays.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "overlay/claims.h"
#include "overlay/intent.h"

namespace sextant::overlay {

struct NodeFacts {
  std::string name;
  /// Written without pod prefixes: policies may pass it, the overlay does not reach into it.
  bool router = true;
  LocatorReach reach = LocatorReach::kFabric;
  std::optional<Ipv6Address> endpoint;  // its first IPv6 address
  std::vector<IpAddress> addresses;     // as written, each once
  std::optional<srv6::Locator> locator;
  std::optional<srv6::Sid> end, dt4, dt6, dt46;  // fixed or derived
  /// Which SID takes a family's packets when the headend has the choice: a fixed one before a
  /// derived one.
  std::optional<srv6::Sid> service_ipv4, service_ipv6;
  std::vector<PodPrefix> pod_prefixes;  // as written, each once
  bool pods_have_all_addresses = false;

  [[nodiscard]] const std::optional<srv6::Sid>& service_sid(Family family) const {
    return family == Family::kIpv4 ? service_ipv4 : service_ipv6;
  }
  /// The decapsulating behavior of the SID; none where it is no such SID of this node.
  [[nodiscard]] std::optional<srv6::Behavior> decapsulation(const srv6::Sid& sid) const;
  /// Whether other nodes send packets for its pods through the overlay.
  [[nodiscard]] bool reachable() const { return !router && endpoint && locator; }
  friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};

struct NodeReading {
  NodeFacts facts;
  std::vector<Problem> problems;
};

/// The node's well-shaped locator and pod prefixes.
[[nodiscard]] std::set<Claim> claims_of(const Node& node);
/// The node's addresses that can be some node's own.
[[nodiscard]] std::set<IpAddress> addresses_of(const Node& node);

[[nodiscard]] NodeReading read_node(const Node& node, const Rulings& rulings);

/// Why the address cannot be a SID or a node's own; empty where it can.
[[nodiscard]] std::string address_fault(const IpAddress& address);

/// Why the prefix cannot hold SIDs or pods; empty where it can.
[[nodiscard]] std::string prefix_fault(const IpPrefix& prefix);

[[nodiscard]] Problem node_problem(const Node& node, std::string reason);

}  // namespace sextant::overlay
