// How things stand, as /metrics shows it: policies, candidate paths, nodes, problems.
#pragma once

#include "agent/metric_text.h"
#include "agent/policy_labels.h"
#include "agent/reconciler.h"
#include "agent/views.h"

namespace sextant::agent {

void write_state(MetricText& text, const Reconciler& reconciler, const SourceState& source,
                 const std::vector<LabelledPolicy>& policies);

}  // namespace sextant::agent
