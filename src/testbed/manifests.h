// The Kubernetes objects that a testbed starts with, as a cluster would hold them.
#pragma once

#include <map>
#include <string>

#include "testbed/topology.h"

namespace sextant::testbed {

/// Content by file name: nodes.yaml, routers.yaml where there are routers, and one
/// srv6-config-<node>.yaml a node.
[[nodiscard]] std::map<std::string, std::string> manifests(const Topology& lab);

/// What a node's agent has to know of itself alone: its Node object, and a ConfigMap that fixes its
/// decapsulating SIDs.
[[nodiscard]] std::string node_manifest(const Topology& lab, const ClusterNode& node);

/// The paper's ConfigMap of one node with these policies; only those of which it is the headend
/// count.
[[nodiscard]] std::string config_map(const Topology& lab, const ClusterNode& node,
                                     const std::vector<PolicyRow>& policies);

}  // namespace sextant::testbed
