// The source's state as JSON (docs/reference-api.md) and as metrics (docs/metrics.md).
#pragma once

#include <boost/json/fwd.hpp>

#include "agent/metric_text.h"
#include "sources/source.h"

namespace sextant::agent {

[[nodiscard]] boost::json::object source_view(const sources::SourceState& source);

void write_source(MetricText& text, const sources::SourceState& source);

}  // namespace sextant::agent
