// What the agents say before a trace starts: who the two ends are, and what the headend of each
// direction does with their traffic.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/trace_names.h"
#include "cli/trace_run.h"
#include "srv6/segment_list.h"

namespace sextant::cli {

struct TraceDirection {
  boost::json::value decision;  // of /v1/trace
  std::string headend;
  IpAddress from, to;
};

struct TraceQuestion {
  TraceNames names;
  boost::json::value source, destination;  // {address, node, pod, name}
  TraceDirection forward, reverse;
};

/// Asks the first site, and each headend that is a site itself. Names of pods in the request become
/// addresses, and the first site gets its node's name.
[[nodiscard]] Result<TraceQuestion> ask_agents(TraceRequest& request,
                                               std::vector<TraceSite>& sites);

/// Null where the node is no site.
[[nodiscard]] const TraceSite* find_site(const std::vector<TraceSite>& sites,
                                         const std::string& node);

// Fields of the agent's answers. Precondition: the object has the key.
[[nodiscard]] std::string json_text(const boost::json::value& object, std::string_view key);
[[nodiscard]] std::optional<Ipv6Address> json_address6(const boost::json::value& object,
                                                       std::string_view key);
/// The segment lists of a decision.
[[nodiscard]] std::vector<srv6::SegmentList> lists_of(const boost::json::value& decision);

}  // namespace sextant::cli
