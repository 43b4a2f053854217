// The path of a flow, hop by hop, as the packets take it.
//
//   1. A packet of the flow goes through this node's own data plane. How it leaves (SIDs, form of
//      the SRH, flow label, device) is what the data plane chose; how its answer arrives is what
//      the other node's chose.
//   2. The same outer header with rising hop limits: routers answer Time Exceeded, and what they
//      quote shows which segment the packet was on its way to (RFC 8754). The inner hop limit is 1,
//      so that the node that decapsulates answers too, and no pod is bothered.
//   3. The other direction starts at the other node. A probe gets there by that node's End SID in
//      front of the list (RFC 8986 section 4.1), so that its errors come here.
//
// One thread; every wait is bounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "trace/channel.h"
#include "trace/probe.h"
#include "trace/sighting.h"

namespace sextant::trace {

struct Limits {
  unsigned max_hops = 32;
  std::chrono::milliseconds timeout{500};  // for one answer
  unsigned attempts = 3;                   // a hop: routers limit the rate of their errors
  unsigned silent_hops = 4;                // in a row: then the rest is given up
  unsigned flows = 128;                    // tried at most to find one for each list
};

/// An answer to a probe.
struct Answer {
  IpAddress from;
  Clock::duration after{};
  std::uint8_t type = 0, code = 0;  // ICMP; TCP flags
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Hop {
  unsigned distance = 0;         // the outer hop limit that ends here
  std::optional<Answer> answer;  // none: silent
  Ipv6Address towards;           // the destination address that was quoted: the SID in work
  std::uint8_t segments_left = 0;
  bool refused = false;  // an error other than Time Exceeded: no packet gets further
};

/// A list that was walked.
struct Walk {
  Outer outer;
  std::vector<Hop> hops;
  std::optional<Answer> decapsulated;  // who took the outer header off
  std::optional<Answer> delivered;     // the flow's destination itself
  bool arrived = false;                // of a walk back: it came home
  std::string refusal;                 // why the node itself would not send the probes
};

/// One packet of the flow, sent for real.
struct Departure {
  Flow flow;
  std::optional<Outer> outer;  // none: nothing left the node encapsulated
  Device device;
  std::optional<Answer> delivered;
  std::optional<Answer> refused;             // an ICMP error about the inner packet
  std::string refusal;                       // why the node itself would not send it
  std::optional<Encapsulation> answered_by;  // how the answer arrived
};

class Tracer {
 public:
  Tracer(Channel& channel, Limits limits, std::uint16_t run)
      : channel_(channel), limits_(limits), run_(run) {}

  [[nodiscard]] Result<Departure> depart(const Flow& flow);
  /// Only how the flow leaves: no answer is awaited.
  [[nodiscard]] Result<Departure> choose(const Flow& flow);
  /// From this node. `flow` is the inner one. `deliver`: the destination is probed too, by a
  /// crafted packet.
  [[nodiscard]] Result<Walk> walk(const Flow& flow, const Outer& outer, Device device,
                                  bool deliver);
  /// From the node of `far` (its End SID) to this one: `visits` is the far node's list.
  [[nodiscard]] Result<Walk> walk_back(const Flow& flow, const Ipv6Address& source,
                                       const srv6::Sid& far, const std::vector<srv6::Sid>& visits,
                                       std::uint32_t flow_label);
  /// A flow label with which a packet gets home over the far node's End SID: where the underlay has
  /// equal ways to the far node, one of them may be broken. `wanted` if it does; none where none
  /// does.
  [[nodiscard]] Result<std::optional<std::uint32_t>> find_label_back(
      const Flow& flow, const Ipv6Address& source, const srv6::Sid& far,
      const std::vector<srv6::Sid>& visits, std::uint32_t wanted);

 private:
  Token next_token();
  Result<Departure> depart(const Flow& flow, bool answer);
  /// The next sighting of the token for which `wanted` says yes.
  template <typename Wanted>
  Result<std::optional<std::pair<Sighting, Capture>>> await(const Flow& flow, Token token,
                                                            Clock::time_point until,
                                                            const Wanted& wanted);

  Channel& channel_;
  Limits limits_;
  std::uint16_t run_;
  std::uint16_t sent_ = 0;
};

}  // namespace sextant::trace
