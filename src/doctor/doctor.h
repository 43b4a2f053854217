// Looks at this node, its underlay and the other nodes, and says what is wrong and what to do.
//
// Flow: gatherers -> facts -> checks (pure) -> findings. Changes nothing: what the kernel can do is
// tried in a network namespace of its own, and probes are echo requests. Takes a few seconds.
#pragma once

#include <string>
#include <vector>

#include "doctor/finding.h"
#include "footprint/inventory.h"

namespace sextant::doctor {

struct Options {
  footprint::Places places = footprint::default_places();
  std::vector<std::string> peers;  // by name; all where empty
  bool probes = true;
};

/// Must run in the node's network namespace.
[[nodiscard]] Findings examine(const Options& options);

}  // namespace sextant::doctor
