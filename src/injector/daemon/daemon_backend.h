// The injector daemon as a back end of the commands: its HTTP API over the Unix socket.
#pragma once

#include <memory>
#include <string>

#include "injector/backend.h"

namespace sextant::injector {

/// Connects at each call.
[[nodiscard]] std::unique_ptr<Backend> daemon_backend(std::string socket);

}  // namespace sextant::injector
