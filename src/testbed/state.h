// What a testbed's state directory remembers, and the lock that keeps two commands apart.
#pragma once

#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

struct State {
  Kind kind = Kind::kBasic;
  unsigned pods = 0;  // a node
  bool agents = true;
  std::optional<Injector> bgp = {};  // nodes know each other over BGP
  bool cluster = false;              // a Kubernetes cluster runs on it (testbed/cluster)
  bool complete = false;             // `up` came to its end
};

/// None where no `up` has begun, or its file cannot be understood.
[[nodiscard]] std::optional<State> read_state(const Id& id);
[[nodiscard]] Result<void> write_state(const Id& id, const State& state);

/// Waits for other commands on the same testbed to end. Released with the descriptor.
[[nodiscard]] Result<UniqueFd> lock(const Id& id);

/// Names of the testbed's namespaces that are there: machines, pods, and those that the nodes' data
/// planes made.
[[nodiscard]] Result<std::vector<std::string>> existing_namespaces(const Id& id);

/// down(), by one who holds the lock.
[[nodiscard]] Result<DownReport> take_down(const Id& id, const Progress& progress);

}  // namespace sextant::testbed
