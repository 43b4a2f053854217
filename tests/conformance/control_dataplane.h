// Controls: data planes that are known to be wrong or trivial, to test the tests.
//
//   SEXTANT_CONFORMANCE=none    does nothing: every scenario must fail but the two that are about
//   the node and the
//                               underlay alone (PodReachesItsOwnNode,
//                               NodesReachEachOthersOwnAddressesInTheUnderlay).
//   SEXTANT_CONFORMANCE=routed  no overlay, the underlay routes the pods' packets as they are: the
//   scenarios that are
//                               about packets, filters and translation only must pass.
//   SEXTANT_CONFORMANCE=seg6    the kernel's plain seg6 routes: steering and behaviors pass, and
//   the scenarios
//                               about netfilter fail, because the inner packets bypass it.
#pragma once

#include <string_view>

#include "dataplanes.h"

namespace sextant::conformance {

/// Throws where there is no such control.
[[nodiscard]] DataplaneUnderTest control_dataplane(std::string_view name);

}  // namespace sextant::conformance
