// testbed cluster: a real Kubernetes cluster on this machine.
#pragma once

namespace CLI {
class App;
}

namespace sextant::cli {

/// `testbed`: the command that it becomes part of.
void add_cluster_commands(CLI::App& testbed);

}  // namespace sextant::cli
