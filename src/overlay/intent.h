// What the sources want of the overlay: nodes, routers and SR policies, as read, each with where it
// came from.
//
// Flow: sources -> Intent -> Resolver -> Forwarding. The objects hold names as written; names are
// resolved, and objects validated against each other, by the Resolver, so that one bad object never
// disturbs the others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "srv6/behavior.h"
#include "srv6/policy.h"
#include "srv6/sid.h"

namespace sextant::overlay {

/// Names an object for people and as a key: kind/name, unique within one Intent.
struct ObjectKey {
  std::string kind;  // "Node", "SRv6Node", "SRv6Policy", "ConfigMap"
  std::string name;  // a ConfigMap's policies are "srv6-config-worker1[0]"
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  [[nodiscard]] std::string to_string() const { return kind + "/" + name; }
};

/// Where an object was read: "policies.yaml:12". Not part of its identity.
using Location = std::string;

/// A CIDR of pods on one node.
struct PodPrefix {
  IpPrefix prefix;
  std::optional<srv6::Color> color;  // steers by color; none: the best policy of the family
  friend auto operator<=>(const PodPrefix&, const PodPrefix&) = default;
};

/// Who carries a node's locator in the underlay.
enum class LocatorReach : std::uint8_t {
  kFabric,  // the underlay's routing knows it
  kOnLink,  // each other node routes it by the node's underlay address
};

/// Decapsulating SIDs that an object fixes; the others are derived from the locator.
struct FixedSids {
  std::optional<srv6::Sid> end, dt4, dt6, dt46;
  friend auto operator<=>(const FixedSids&, const FixedSids&) = default;
};

/// A Kubernetes node, or (no pod prefixes) a router that policies name.
struct Node {
  std::string name;
  Location location;
  std::map<std::string, std::string> labels;
  /// Addresses of the node itself; the first IPv6 one is its endpoint and encapsulation source.
  std::vector<IpAddress> addresses;
  std::optional<srv6::Locator> locator;
  LocatorReach reach = LocatorReach::kFabric;
  FixedSids sids;
  std::vector<PodPrefix> pod_prefixes;
  /// Any address of the pod prefixes may be a pod's: the node takes none of them for itself.
  bool pods_have_all_addresses = false;
  friend bool operator==(const Node&, const Node&) = default;
};

/// A segment as written: a SID, or the name of a node or router (its End SID).
using Segment = std::variant<srv6::Sid, std::string>;

struct WeightedSegments {
  std::vector<Segment> segments;
  std::uint32_t weight = 1;
  /// What the last segment does, where the source says so (RFC 9830 section 2.4.4.2.3).
  std::optional<srv6::Behavior> last_behavior = {};
  friend bool operator==(const WeightedSegments&, const WeightedSegments&) = default;
};

struct CandidatePath {
  srv6::CandidatePathKey key;
  std::string name;
  std::uint32_t preference = srv6::kDefaultPreference;
  std::vector<WeightedSegments> lists;
  friend bool operator==(const CandidatePath&, const CandidatePath&) = default;
};

/// Which nodes are the policy's headend: all of the given must hold; none given: every node.
struct HeadendSelector {
  std::vector<std::string> names;                   // empty: any name
  std::map<std::string, std::string> match_labels;  // empty: any labels
  friend bool operator==(const HeadendSelector&, const HeadendSelector&) = default;
};

enum class Fallback : std::uint8_t { kPlain, kDrop };

/// One object's wish. Two objects with one (headend, color, endpoint) become one policy with both
/// their candidate paths.
struct Policy {
  ObjectKey key;
  Location location;
  HeadendSelector headend;
  std::variant<IpAddress, std::string> endpoint;  // an address or a node's name
  srv6::Color color;
  std::optional<srv6::Sid> binding_sid;
  bool ipv4 = true;  // carries traffic of this family
  bool ipv6 = true;
  Fallback fallback = Fallback::kPlain;
  std::vector<CandidatePath> paths;
  friend bool operator==(const Policy&, const Policy&) = default;
};

struct Intent {
  std::map<std::string, Node> nodes;  // by name
  std::map<ObjectKey, Policy> policies;
  std::map<ObjectKey, IpPrefix>
      sid_prefixes;  // hold SIDs whoever uses them: a pool of binding SIDs
  friend bool operator==(const Intent&, const Intent&) = default;
};

/// A change of single objects; a value upserts, none removes.
struct IntentChange {
  std::map<std::string, std::optional<Node>> nodes;
  std::map<ObjectKey, std::optional<Policy>> policies;
  std::map<ObjectKey, std::optional<IpPrefix>> sid_prefixes;
  [[nodiscard]] bool empty() const {
    return nodes.empty() && policies.empty() && sid_prefixes.empty();
  }
};

[[nodiscard]] IntentChange diff(const Intent& from, const Intent& to);

/// Something wrong with one object, in words for its owner.
struct Problem {
  ObjectKey object;
  Location location;
  std::string reason;
  friend auto operator<=>(const Problem&, const Problem&) = default;
};

}  // namespace sextant::overlay
