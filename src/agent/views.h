// The agent's state as JSON, in the field names of docs/reference-api.md.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

#include "agent/reconciler.h"
#include "sources/source.h"

namespace sextant::agent {

using sources::SourceState;

/// Why nothing was made so yet: see may_begin().
[[nodiscard]] std::string hold_reason(const SourceState& source, const std::string& node);

/// Why /healthz says no; empty where all is well.
[[nodiscard]] std::vector<std::string> unhealthy_reasons(const Reconciler& reconciler,
                                                         const SourceState& source);

/// Parts of several answers: a candidate path, and [{segments, weight}].
[[nodiscard]] boost::json::object candidate_view(const overlay::CandidateStatus& candidate);
[[nodiscard]] boost::json::array segment_lists_view(const std::vector<srv6::SegmentList>& lists);

[[nodiscard]] boost::json::value status_view(const Reconciler& reconciler,
                                             const SourceState& source);
[[nodiscard]] boost::json::value sids_view(const Reconciler& reconciler,
                                           const dataplane::Counters& counters);
[[nodiscard]] boost::json::value policies_view(const Reconciler& reconciler);
[[nodiscard]] boost::json::value routes_view(const Reconciler& reconciler);
[[nodiscard]] boost::json::value nodes_view(const Reconciler& reconciler);

}  // namespace sextant::agent
