// How this node fares as a headend of the SR Policies that it has by BGP, told to whoever injected
// them: a route of BGP-LS for each candidate path (RFC 9857). Pure.
//
//   SR Policy routes, those not taken -> set(), reject() ->   route of BGP-LS
//   what the agent made of them       -> update()        ->   for each path
//
// Not told of are paths that are for other headends, and those to this node itself that are for
// everybody. Only what differs from what was told before is told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bgp/wire/attributes.h"
#include "bgp/wire/link_state_policy.h"
#include "bgp/wire/nlri.h"
#include "sources/bgp/route_reading.h"

namespace sextant::bgp_source {

/// What the agent made of a candidate path.
struct PathOutcome {
  bool evaluated = false;  // looked at; the rest is false otherwise
  bool valid = false;
  bool active = false;      // in use, and programmed
  bool leads_here = false;  // its endpoint is this node
  std::string reason = {};  // why not, in words
  friend bool operator==(const PathOutcome&, const PathOutcome&) = default;
};
/// By the name of the policy object (route_reading.h: policy_key).
using PathOutcomes = std::map<std::string, PathOutcome>;

/// An SR Policy route as far as its headend's answer repeats it.
struct PathRoute {
  std::uint32_t originator_asn = 0;
  Ipv4Address originator;
  bgp::PolicyPathState state;  // what the route says itself
  std::string unusable;        // why no policy became of it
  bool targeted = false;       // a route target names this headend, and not everybody is meant
  friend bool operator==(const PathRoute&, const PathRoute&) = default;
};

/// None where the route is not for this headend, or is no policy but a node's SID.
[[nodiscard]] std::optional<PathRoute> path_route(const bgp::Attributes& attributes,
                                                  const RouteOrigin& origin,
                                                  const PolicyReading& reading);

class PolicyStates {
 public:
  /// None: the route is gone.
  void set(const bgp::SrPolicyNlri& nlri, std::optional<PathRoute> route);
  /// Routes that were malformed, all of them: nothing is known but their keys and why.
  void set_rejected(const std::map<bgp::SrPolicyNlri, PathRoute>& rejected);

  struct Change {
    std::vector<bgp::LinkStateNlri> gone;
    std::vector<std::pair<bgp::LinkStateNlri, std::vector<std::uint8_t>>> told;  // and attribute
    [[nodiscard]] bool empty() const { return gone.empty() && told.empty(); }
  };
  /// What is to be told now. Cost: the paths; those that changed are encoded.
  [[nodiscard]] Change update(const bgp::PathHeadend& self, const PathOutcomes& outcomes);

 private:
  struct Told {
    bgp::LinkStateNlri nlri;
    PathOutcome outcome;
  };
  struct Path {
    std::string name;                   // of its outcome
    std::optional<PathRoute> route;     // a good route of one peer stands,
    std::optional<PathRoute> rejected;  // whatever another one sent
    bool changed = true;                // since it was told of
    std::optional<Told> told;
    [[nodiscard]] const PathRoute* now() const;
  };
  Path& path(const bgp::SrPolicyNlri& nlri);

  std::map<bgp::SrPolicyNlri, Path> paths_;
  std::optional<bgp::PathHeadend> self_;
};

}  // namespace sextant::bgp_source
