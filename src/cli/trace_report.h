// The parts of a trace's report: a walk and its hops as JSON.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

#include "cli/trace_names.h"
#include "trace/tracer.h"

namespace sextant::cli {

/// How the traced list was found.
enum class ListUse {
  kSeen,       // packets of the traced flow take it
  kOtherFlow,  // another flow takes it, which was traced in its place
  kCrafted,    // no flow was seen to take it: the probes are made after its SIDs
};

/// [{sid, owner, behavior}]
[[nodiscard]] boost::json::array segments_json(const std::vector<srv6::Sid>& segments,
                                               const TraceNames& names);

struct WalkContext {
  const TraceNames& names;
  std::string headend;
  std::string endpoint;   // the node where the list ends
  IpAddress destination;  // of the flow
  std::string protocol;   // of the flow: "ICMP"
  bool back = false;      // a walk back, which ends at this node
};

/// Adds what was found to the list's entry: hops, decapsulated, delivered, complete, lost.
void add_walk(boost::json::object& list, const trace::Walk& walk, const WalkContext& context);

/// An answer as {address, node, milliseconds, error}.
[[nodiscard]] boost::json::object answer_json(const trace::Answer& answer, const TraceNames& names);

/// "Destination Unreachable, code 3", "" for what is no ICMP error.
[[nodiscard]] std::string icmp_error_text(const trace::Answer& answer);

}  // namespace sextant::cli
