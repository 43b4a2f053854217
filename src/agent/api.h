// The paths of the agent's HTTP API. Everything is read-only: wishes come through the sources.
#pragma once

#include <functional>

#include "agent/http_server.h"
#include "agent/metrics.h"
#include "agent/views.h"

namespace sextant::bgp_source {
class BgpSource;
}

namespace sextant::agent {

/// The answers read the reconciler when they are asked; `source` supplies its state then. `bgp` is
/// null where the agent does not speak it. All must outlive the handler.
[[nodiscard]] HttpHandler make_api(Reconciler& reconciler, std::function<SourceState()> source,
                                   Metrics& metrics, const bgp_source::BgpSource* bgp = nullptr);
/// For the TCP listener: /metrics and the probes (/livez, /readyz), and nothing else of the node.
[[nodiscard]] HttpHandler make_metrics_api(Reconciler& reconciler,
                                           std::function<SourceState()> source, Metrics& metrics);

}  // namespace sextant::agent
