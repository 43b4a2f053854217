// The plugin as a function: environment and standard input in, exit status and standard output out.
#pragma once

#include <functional>
#include <string>

#include "cni/invocation.h"

namespace sextant::cni {

struct Answer {
  int exit_status = 0;
  std::string output;  // JSON, or empty where the command has no result
};

/// Must run in the node's network namespace. `read_input` is called only where the command needs
/// its standard input.
[[nodiscard]] Answer run_plugin(const Environment& environment,
                                const std::function<Outcome<std::string>()>& read_input);

}  // namespace sextant::cni
