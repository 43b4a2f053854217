// The cgroups that a node's processes are in, one in each hierarchy of the machine.
#pragma once

#include <string>

#include "base/result.h"

namespace sextant::cluster {

/// Those of that name at the top of each hierarchy, with all below them. Their processes have ended
/// or are just ending.
[[nodiscard]] Result<void> remove_cgroups(const std::string& name);

}  // namespace sextant::cluster
