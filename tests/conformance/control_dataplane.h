// Controls: data planes that are known to be wrong or trivial, to test the tests. The environment
// variable SEXTANT_CONFORMANCE chooses one:
//
//   none    Does nothing. Every scenario must fail but the two about the node and the underlay
//   alone
//           (PodReachesItsOwnNode, NodesReachEachOthersOwnAddressesInTheUnderlay).
//   routed  No overlay: the underlay routes the pods' packets as they are. The scenarios that are
//           about packets and filters only must pass.
//   seg6    The kernel's plain seg6 routes. Steering and behaviors pass; the scenarios about
//           netfilter fail, because inner packets bypass it.
#pragma once

#include <string_view>

#include "dataplanes.h"

namespace sextant::conformance {

/// Throws where there is no such control.
[[nodiscard]] DataplaneUnderTest control_dataplane(std::string_view name);

}  // namespace sextant::conformance
