// The paths of the agent's HTTP API. Everything is read-only: wishes come through the sources.
#pragma once

#include <functional>

#include "agent/http_server.h"
#include "agent/metrics.h"
#include "agent/views.h"

namespace sextant::agent {

/// The answers read the reconciler when they are asked; `source` supplies its state then. All must
/// outlive the handler.
[[nodiscard]] HttpHandler make_api(Reconciler& reconciler, std::function<SourceState()> source,
                                   Metrics& metrics);
/// For the TCP listener: /metrics and the probes (/livez, /readyz), and nothing else of the node.
[[nodiscard]] HttpHandler make_metrics_api(Reconciler& reconciler,
                                           std::function<SourceState()> source, Metrics& metrics);

}  // namespace sextant::agent
