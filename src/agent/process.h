// What the process asks of the system it runs on.
#pragma once

#include <string_view>

#include "agent/options.h"

namespace sextant::agent {

/// Tells the service manager (sd_notify(3)): "READY=1", "STOPPING=1", "STATUS=...". Does nothing
/// where nobody listens ($NOTIFY_SOCKET is not set).
void notify_service_manager(std::string_view state);

/// Log lines go to stderr, in the options' form and from their level on.
void start_log(const Options& options);

}  // namespace sextant::agent
