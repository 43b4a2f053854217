// The paths of the agent's HTTP API. Everything is read-only: wishes come through the sources.
#pragma once

#include <functional>

#include "agent/http_server.h"
#include "agent/views.h"

namespace sextant::agent {

/// The answers read the reconciler when they are asked; `source` supplies its state then. Both must
/// outlive the handler.
[[nodiscard]] HttpHandler make_api(Reconciler& reconciler, std::function<SourceState()> source);

}  // namespace sextant::agent
