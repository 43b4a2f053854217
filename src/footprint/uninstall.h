// Removes everything of Sextant from this node, also what is half there, and nothing else.
//
// Flow: inventory -> the agent ends -> CNI files (so that no new pod arrives) -> pods' devices ->
// the data plane's own removal -> what that left -> files -> inventory again: success is that
// nothing is found. A step that fails does not keep the others from being done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "footprint/inventory.h"

namespace sextant::footprint {

struct UninstallOptions {
  Places places = default_places();
  bool force = false;  // end a running agent; take the network from pods that are attached
  bool purge = false;  // the manifests too
};

/// Why not without `force`; empty where nothing stands against it.
[[nodiscard]] std::vector<Error> objections(const Inventory& found);
/// What `uninstall` would remove of it.
[[nodiscard]] std::vector<Item> removable(const Inventory& found, bool purge);

struct UninstallReport {
  std::vector<Item> removed;
  std::vector<Item> remaining;  // should have gone
  std::vector<Error> errors;    // of the steps; of interest where something remains
  [[nodiscard]] bool clean() const { return remaining.empty(); }
};

/// Errors: it may not begin (an objection, no privilege), and nothing was done.
[[nodiscard]] Result<UninstallReport> uninstall(const UninstallOptions& options);

}  // namespace sextant::footprint
