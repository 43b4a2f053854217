// Logging for an operator: what happened, to which object, what follows.
#pragma once

#include <spdlog/spdlog.h>

namespace sextant::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace sextant::log
