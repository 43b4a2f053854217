// cni: the CNI plugin of this node.
#pragma once

namespace CLI {
class App;
}

namespace sextant::cli {

/// cni install.
void add_cni_commands(CLI::App& app);

}  // namespace sextant::cli
