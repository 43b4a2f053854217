// The agent's own process, under the names that every Prometheus client library uses.
#pragma once

#include "agent/metric_text.h"

namespace sextant::agent {

/// From /proc/self; what cannot be read is left out.
void write_process(MetricText& text);

}  // namespace sextant::agent
