// What one node has to say of itself: the `status` of its SRv6Node.
//
// Flow: agent (Reconciler) -> NodeStatus -> StatusWriter -> API server -> Aggregator of whoever
// leads. Plain values; time goes in as an argument.
//
// Size. 5,000 nodes with 1,000 policies each would be 5 million entries, so only kFullPolicies of a
// node are written in full: those that are not programmed first, then those that changed last. Of
// the others there is one short line, `programmedPolicies: {gold: "1a2b3c4d/3"}` (the beginning of
// the object's uid, and its generation): what the aggregator needs. Lists are atomic for
// server-side apply, or managedFields would be as large as the status.
#pragma once

#include <boost/json/fwd.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "overlay/intent.h"
#include "sources/kubernetes/condition.h"

namespace sextant::kubernetes {

inline constexpr std::size_t kFullPolicies = 50;
inline constexpr std::size_t kReportedSids = 128;
inline constexpr std::size_t kLongestMessage = 512;  // bytes; longer ones are cut

/// A reason: the node prefers a candidate path of another object with that color and endpoint.
inline constexpr const char* kNotActive = "NotActive";

/// Which state of which object: a generation alone does not tell an object from one that was
/// deleted and made again.
struct ObjectVersion {
  std::string uid;  // its first 8 characters are enough
  std::int64_t generation = 0;
  friend auto operator<=>(const ObjectVersion&, const ObjectVersion&) = default;
};

/// What the node made of one object that has policies for it.
struct PolicyReport {
  overlay::ObjectKey object;
  ObjectVersion version;  // the state that is in force; empty for ConfigMaps
  std::uint32_t color = 0;
  std::string endpoint;       // an address; a name where no node is called so
  std::string endpoint_node;  // empty where no node has the address
  std::vector<Family> families;
  /// Of this object, by name: "north", or "north (IPv4), south (IPv6)"; empty: none.
  std::string active_path;
  bool programmed = false;  // in every family: its path is active, and the data plane has it
  std::string reason;       // "Programmed", "NoValidPath", "NotActive", "DataPlane", ...
  std::string message;
  Time since = {};  // of `programmed` and `reason`, and of the active path
  friend bool operator==(const PolicyReport&, const PolicyReport&) = default;
};

struct ReportedSid {
  std::string sid;
  std::string behavior;  // "End.DT4"
  friend bool operator==(const ReportedSid&, const ReportedSid&) = default;
};

/// Where the node's locator comes from, strongest first.
enum class LocatorOrigin : std::uint8_t { kNone, kSrv6Node, kNodeAnnotation, kIpPool, kClaim };
/// "None", "SRv6Node", "NodeAnnotation", "IPPool", "SRv6Locator"
[[nodiscard]] std::string_view to_string(LocatorOrigin origin);

struct NodeStatus {
  std::string agent_version;
  std::vector<Condition> conditions;   // "Ready", "LocatorAssigned"
  std::vector<std::string> addresses;  // of the node itself
  std::string encapsulation_source;
  std::vector<std::string> overlay_addresses;
  std::vector<std::string> pod_prefixes;
  std::string locator;
  LocatorOrigin locator_origin = LocatorOrigin::kNone;
  std::string data_plane;     // "linux"
  std::string encapsulation;  // "H.Encaps", "H.Encaps.Red"
  std::size_t max_segments = 0;
  std::vector<ReportedSid> sids;
  /// All that have policies for this node; sorted by object.
  std::vector<PolicyReport> policies;
  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

/// What did not change keeps its time; the rest begins at `time`.
void keep_times(NodeStatus& status, const NodeStatus& before, Time time);

/// As it stands in the object.
[[nodiscard]] boost::json::object to_json(const NodeStatus& status);
/// What an agent wrote before: for its times. `policies` has those that were written in full.
[[nodiscard]] NodeStatus read_node_status(const boost::json::value& status);

/// At most kLongestMessage bytes, and UTF-8 whatever it was made from.
[[nodiscard]] std::string shortened(std::string text);

/// "1a2b3c4d": what tells objects of one name apart.
[[nodiscard]] std::string short_uid(std::string_view uid);

}  // namespace sextant::kubernetes
