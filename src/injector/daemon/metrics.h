// The injector's numbers for Prometheus.
#pragma once

#include "agent/http_server.h"
#include "injector/daemon/injector.h"

namespace sextant::injector {

[[nodiscard]] agent::HttpResponse metrics_response(const Injector& injector);

}  // namespace sextant::injector
