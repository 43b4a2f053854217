// The data planes by the names that --dataplane takes.
#pragma once

#include <memory>

#include "agent/options.h"
#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::agent {

[[nodiscard]] Result<std::unique_ptr<dataplane::Dataplane>> make_dataplane(const Options& options);

}  // namespace sextant::agent
