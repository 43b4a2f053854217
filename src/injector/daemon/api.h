// The HTTP API of the injector daemon: docs/reference-injector.md.
#pragma once

#include "agent/http_server.h"
#include "injector/daemon/injector.h"

namespace sextant::injector {

inline constexpr std::uint32_t kMostRequestBytes = 256U << 20U;

/// `injector` must outlive the handler.
[[nodiscard]] agent::HttpHandler make_api(Injector& injector);
/// For a TCP listener: /metrics, /livez and /readyz, and nothing else.
[[nodiscard]] agent::HttpHandler make_metrics_api(Injector& injector);

}  // namespace sextant::injector
