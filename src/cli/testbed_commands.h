// testbed: laboratories of network namespaces on this machine; demo: one of them shown at work.
#pragma once

namespace CLI {
class App;
}

namespace sextant::cli {

void add_testbed_commands(CLI::App& app);

}  // namespace sextant::cli
