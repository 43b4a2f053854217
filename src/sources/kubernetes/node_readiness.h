// Whether the node can take pods, as Kubernetes hears of it. Pure.
//
// Two things stand for it. The Node's condition NetworkUnavailable, which a network provider owns:
// while it is True, Kubernetes' node lifecycle controller keeps a taint of its own on the node. And
// the taint sextant.dev/not-ready, which an operator may have nodes register with
// (`--register-with-taints`), so that no pod comes before the agent's first word.
//
//   no forwarding yet, none standing   NetworkUnavailable=True, the taint stays
//   an agent starts, forwarding stands  nothing is touched: pods run, and go on
//   the first reconcile has succeeded   NetworkUnavailable=False, the taint goes
//   Sextant's DaemonSet is deleted      the condition goes at once, while the agent still may write
//                                       it: it is another provider's to set, and kubelet says
//                                       NotReady itself when the CNI files are gone
//
// Failures after that are told in the SRv6Node's condition Ready and not here: what forwards keeps
// forwarding, and a taint that moves pods away in masses would make a small fault a large one.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sources/kubernetes/condition.h"

namespace sextant::kubernetes {

inline constexpr std::string_view kNotReadyTaint = "sextant.dev/not-ready";
inline constexpr std::string_view kNetworkUnavailable = "NetworkUnavailable";
inline constexpr std::string_view kUpReason = "SextantIsUp";

/// How far the agent is.
struct Progress {
  bool stood = false;     // an earlier agent's forwarding was there at the start
  bool forwards = false;  // the first reconcile succeeded, and the node's own SIDs are programmed
  std::string why_not;    // where it does not forward
};

/// What the Node says now.
struct NodeFacts {
  std::string uid;
  bool tainted = false;  // by kNotReadyTaint
  std::optional<Condition> network_unavailable;
  friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};
[[nodiscard]] NodeFacts read_node_facts(const boost::json::value& node);

struct ReadinessWish {
  std::optional<Condition> condition;  // to be set; none: leave it
  bool remove_taint = false;
  [[nodiscard]] bool empty() const { return !condition && !remove_taint; }
};
[[nodiscard]] ReadinessWish wanted_readiness(const Progress& progress, const NodeFacts& facts,
                                             Time time);

/// A merge patch of the status of `node` as it was read, with our condition among the others, or
/// without it; it fails where the Node has changed since. No server-side apply: API servers refuse
/// that for a Node with an address of each family
/// ("duplicate entries for key [type=InternalIP]"). None where the condition is not there to be
/// given up.
[[nodiscard]] std::optional<boost::json::object> readiness_patch(
    const boost::json::value& node, const std::optional<Condition>& condition, Time heartbeat);
/// A merge patch of the Node without our taint, all others as they are, which fails where the Node
/// has changed since it was read; none where the taint is not there.
[[nodiscard]] std::optional<boost::json::object> untaint_patch(const boost::json::value& node);

}  // namespace sextant::kubernetes
