// The Kubernetes side of this node: what the agent says of the API server, and, where the doctor
// runs in the agent's pod, what the API server says of the agent.
#pragma once

#include <string>
#include <vector>

#include "doctor/agent_facts.h"
#include "doctor/finding.h"

namespace sextant::doctor {

/// What the API server answers to the pod's own service account.
struct ClusterFacts {
  bool asked = false;               // in a pod, and there was an answer
  std::vector<std::string> denied;  // "patch nodes/status"
  bool tainted = false;             // the Node has sextant.dev/not-ready
  bool network_unavailable = false;
};

/// Asks nothing outside of a pod. Takes at most 5 seconds.
[[nodiscard]] ClusterFacts ask_cluster(const std::string& node);

/// Nothing where the agent reads manifests.
[[nodiscard]] Findings check_cluster(const AgentFacts& agent, const ClusterFacts& cluster);

}  // namespace sextant::doctor
