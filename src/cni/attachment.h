// ADD, DEL and CHECK: one container's interface. Each returns what goes to standard output.
#pragma once

#include <string>

#include "cni/invocation.h"
#include "cni/network_config.h"
#include "cni/outcome.h"

namespace sextant::cni {

/// Where it fails, nothing is left behind: neither device nor lease.
[[nodiscard]] Outcome<std::string> add(const Invocation& invocation, const NetworkConfig& config);

/// Each part is tried whatever became of the others; what is gone already is no error.
[[nodiscard]] Outcome<std::string> del(const Invocation& invocation, const NetworkConfig& config);

/// The first difference to what ADD said it made is the error.
[[nodiscard]] Outcome<std::string> check(const Invocation& invocation, const NetworkConfig& config);

}  // namespace sextant::cni
