// What `sextant trace` does: asks the agent what the headends of both directions do with the
// traffic, sends the probes, and makes one report of both.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "cli/pod_names.h"
#include "trace/tracer.h"

namespace sextant::cli {

struct TraceRequest {
  std::string source, destination;
  std::optional<Family> family;
  std::optional<trace::Protocol> protocol;  // none: ICMP, or UDP with `all`
  std::uint16_t source_port = 0;            // 0: one of the dynamic range
  std::uint16_t destination_port = 0;       // 0: UDP 33434, TCP 80
  std::optional<std::uint32_t> flow_label;  // of the outer header, forward; none: as it is seen
  bool all = false;                         // every list of a weighted policy
  bool one_way = false;
  std::vector<PodName> pods;  // whose names may be used for addresses
  trace::Limits limits;
};

/// A node from which probes can be sent.
struct TraceSite {
  std::string node;    // empty: as its agent says
  std::string socket;  // of its agent
  std::string netns;   // a name below /run/netns; empty: this process's own
};

/// The report in the form of docs/reference-api.md, "The report of a trace". The first site is
/// asked first; a direction whose headend is a site is probed from there, else through the
/// headend's End SID from the other end, else only computed. Errors: the agent, privileges, or ends
/// that are not in the overlay.
[[nodiscard]] Result<boost::json::object> run_trace(const TraceRequest& request,
                                                    std::vector<TraceSite> sites);

/// Whether every direction that was traced got to its end.
[[nodiscard]] bool trace_arrived(const boost::json::object& report);

/// For people.
[[nodiscard]] std::string trace_table(const boost::json::value& report);

}  // namespace sextant::cli
