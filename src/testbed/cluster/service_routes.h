// Routes to Services' addresses on nodes without a default route: what a node itself sends to a
// Service is translated only after the kernel has found a route for the address that was asked for.
#pragma once

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {

/// Out of the node's link to the switch. Nothing where the node has routers, and so a default
/// route. Idempotent.
[[nodiscard]] Result<void> route_services(const Plan& plan, const testbed::ClusterNode& node);

}  // namespace sextant::cluster
