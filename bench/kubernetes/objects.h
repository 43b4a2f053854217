// The objects of a large cluster, as kubelets, operators and Sextant's agents write them.
//
// Node 0 is the real one, on which the measured agent runs; the others are simulated.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <string>

#include "base/ip.h"
#include "srv6/behavior.h"

namespace sextant::bench {

struct ClusterSize {
  std::size_t nodes = 5'000;  // simulated ones
  std::size_t policies = 1'000;
};

/// "node-0042"
[[nodiscard]] std::string node_name(std::size_t node);
[[nodiscard]] Ipv6Address node_address(std::size_t node);
/// An IPv4 and an IPv6 one a node.
[[nodiscard]] IpPrefix pods_of_node(std::size_t node, Family family);
/// Where the node decapsulates packets of the family.
[[nodiscard]] srv6::Sid service_sid(std::size_t node, Family family);
/// "policy-0042"; it leads to the node (1 to 4,999) that is told here.
[[nodiscard]] std::string policy_name(std::size_t policy);
[[nodiscard]] std::size_t policy_endpoint(const ClusterSize& size, std::size_t policy);

/// A Node as kubelet registers it, with conditions and 25 images; its locator in an annotation.
[[nodiscard]] boost::json::object node_object(std::size_t node);
/// kubelet's report of its state, every five minutes: a merge patch of nodes/NAME/status.
[[nodiscard]] boost::json::object heartbeat(const std::string& time);

/// An SRv6Policy that every node installs (no headend): two candidate paths, both families.
/// `first_segment` distinguishes edits.
[[nodiscard]] boost::json::object policy_object(const ClusterSize& size, std::size_t policy,
                                                const std::string& first_segment);
/// A merge patch that gives the active path another first segment.
[[nodiscard]] boost::json::object policy_edit(const ClusterSize& size, std::size_t policy,
                                              const std::string& first_segment);
/// That of a policy which was not edited, and the one that follows it.
[[nodiscard]] std::string usual_segment(std::size_t policy);
inline constexpr const char* kSecondSegment = "fcff:8::1";

/// The SRv6Node that a node's agent makes for its status. `uid` of the Node.
[[nodiscard]] boost::json::object srv6_node_object(std::size_t node, const std::string& uid);
/// What the agent writes into it, by its own code: for server-side apply of its status. All
/// policies are programmed, at this generation.
[[nodiscard]] boost::json::object srv6_node_status(const ClusterSize& size, std::size_t node,
                                                   std::int64_t generation);

/// The Lease of the aggregator, which another node's agent holds for an hour.
[[nodiscard]] boost::json::object held_lease();

/// "2026-11-23T07:00:00Z", now.
[[nodiscard]] std::string now_rfc3339();

}  // namespace sextant::bench
