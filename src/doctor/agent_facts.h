// What the agent of this node says: the answers of its API, as far as the doctor needs them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "srv6/sid.h"

namespace sextant::doctor {

struct Problem {
  std::string object, cause, hint;
};

struct PeerNode {
  std::string name;
  std::vector<IpAddress> addresses;
  std::optional<IpPrefix> locator;
  std::optional<srv6::Sid> end, dt4, dt6;  // a DT46 SID stands for both
  std::vector<IpPrefix> pod_prefixes;
  bool on_link = false;  // its locator is routed by its address, and not by the fabric
  /// Where it has pods of the family: the node's own address in the overlay.
  [[nodiscard]] std::optional<IpAddress> overlay_address(Family family) const;
  [[nodiscard]] std::optional<IpAddress> underlay_address(Family family) const;
};

/// An active segment list of a policy, with the service SID.
struct ActiveList {
  std::string policy;  // "SRv6Policy/gold"
  std::string node;    // the endpoint's name
  Family family = Family::kIpv6;
  std::vector<srv6::Sid> segments;
};

/// A kind of objects that the agent follows at an API server.
struct FollowedKind {
  std::string kind, resource;
  bool installed = true;
  std::string error;
};

struct ApiServer {
  std::string url;
  bool reachable = false;
  std::string error;
  bool calico_ipam = false;  // Calico allocates the pods' addresses, and so wires the pods
  std::vector<FollowedKind> kinds;
};

struct AgentFacts {
  std::string unreachable;  // why the agent does not answer; empty where it does
  std::string hint;         // what to do then
  bool healthy = false;
  std::vector<std::string> reasons;
  std::vector<Problem> apply_problems;
  std::size_t source_problems = 0;
  std::vector<Problem> bgp_problems;  // of the speaker itself: where it listens, its peers
  std::string no_fast_path;           // why the data plane has none; empty where it has one
  std::string node;
  std::size_t max_segments = 0;
  std::optional<Ipv6Address> encapsulation_source;
  std::vector<IpAddress> overlay_addresses;
  std::optional<IpPrefix> locator;
  std::vector<IpPrefix> pod_prefixes;
  std::optional<srv6::Sid> own_end;
  std::vector<IpAddress> own_addresses;  // in the underlay
  std::vector<PeerNode> peers;           // other nodes with pods; routers are none
  std::vector<ActiveList> lists;
  std::optional<ApiServer> server;  // where the agent reads a cluster's objects

  [[nodiscard]] bool reachable() const { return unreachable.empty(); }
  [[nodiscard]] bool has_pods_of(Family family) const;
  [[nodiscard]] std::optional<IpAddress> overlay_address(Family family) const;
  /// Where other nodes reach this one past the overlay.
  [[nodiscard]] std::optional<IpAddress> underlay_address(Family family) const;
};

/// Answers of /v1/status, /v1/nodes and /v1/policies. What is missing or of another shape stays
/// empty.
[[nodiscard]] AgentFacts parse_agent(const std::string& status, const std::string& nodes,
                                     const std::string& policies);

/// Asks the agent; an agent that is not there is a fact, not an error.
[[nodiscard]] AgentFacts ask_agent(const std::string& socket);

}  // namespace sextant::doctor
