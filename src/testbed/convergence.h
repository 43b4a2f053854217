// Awaits that every router's kernel has the routes that the topology asks for.
#pragma once

#include <chrono>

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

/// Woken by the routers' netlink events. An Error after `patience` names a route that is missing or
/// leaves by other devices than the shortest paths do.
[[nodiscard]] Result<void> await_convergence(const Id& id, const Topology& lab,
                                             std::chrono::milliseconds patience);

}  // namespace sextant::testbed
