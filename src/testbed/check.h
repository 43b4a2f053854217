// Does everything in a testbed reach everything, and on the paths that its policies choose?
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

struct Check {
  std::string what;  // "pod to pod", "path", ...
  std::string from;
  std::string to;
  Family family = Family::kIpv6;
  bool passed = false;
  std::string detail;  // round-trip time, the routers seen, or what went wrong
};

/// Pings between pods of all pairs of nodes, from pods to nodes and from nodes to pods, both
/// families; in the full testbed also which routers the requests of each policy crossed, as
/// captured there. Errors: the testbed is not up.
[[nodiscard]] Result<std::vector<Check>> check(const Id& id);

}  // namespace sextant::testbed
