// Shortest paths through the testbed's routers, worked out from the topology's tables: what IS-IS
// has to agree with, and what a policy's segments ask for.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "testbed/topology.h"

namespace sextant::testbed {

/// A router's routes: the devices by which each prefix leaves (several: equal cost).
using ExpectedRoutes = std::map<IpPrefix, std::set<std::string>>;

/// What IS-IS and static routes give `router` when all is converged: loopbacks of the other
/// routers, prefixes of nodes and hosts elsewhere, locators everywhere.
[[nodiscard]] ExpectedRoutes expected_routes(const Topology& lab, const std::string& router);

/// The shortest paths from router to router, each with both ends.
[[nodiscard]] std::vector<std::vector<std::string>> shortest_paths(const Topology& lab,
                                                                   const std::string& from,
                                                                   const std::string& to);

/// Why `seen` is not a path that the segments (End SIDs of routers) ask for from node to node, each
/// leg a shortest one; empty where it is.
[[nodiscard]] std::string path_fault(const Topology& lab, const ClusterNode& from,
                                     const ClusterNode& to,
                                     const std::vector<std::string>& segments,
                                     const std::vector<std::string>& seen);

}  // namespace sextant::testbed
