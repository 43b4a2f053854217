// What the kernel of the measured node should have.
#pragma once

#include <string>

#include "kubernetes/objects.h"

namespace sextant::bench {

/// Reads the gateway namespace back: a route for each pod prefix of the simulated nodes, through
/// the node's policy where there is one, to the node's own SID. Throws where one is missing or
/// leads elsewhere.
void expect_forwarding(const std::string& node_space, const ClusterSize& size);

}  // namespace sextant::bench
