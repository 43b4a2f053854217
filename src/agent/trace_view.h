// GET /v1/trace: what the headends of both directions do with the traffic of two addresses, and
// why. `sextant trace` compares that with what its probes meet.
#pragma once

#include "agent/http_server.h"
#include "agent/reconciler.h"

namespace sextant::agent {

/// `target` with its query: source, destination, and optionally family (IPv4 or IPv6). 400 where
/// the query is not one that can be answered.
[[nodiscard]] HttpResponse trace_answer(const Reconciler& reconciler, const std::string& target);

}  // namespace sextant::agent
