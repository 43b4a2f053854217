// Intent -> Forwarding for one node. Pure: no sockets, no clock, no threads.
//
// resolve() is the definition; Resolver gives the same result incrementally, at a cost that follows
// the change and not the cluster (property-tested against resolve()).
//
// Rules (DESIGN "Policies: the semantics"):
// - Nodes (validation.h, claims.h): what is malformed, or is another node's already (who holds a
//   locator, pod prefix or address keeps it, else the first by name gets it), is left out with a
//   Problem; the rest of the object works. A node without pod prefixes is a router.
// - Segment lists (segments.h): one whose last SID decapsulates at the endpoint is complete; one
//   that ends at another node is rejected; any other is transport only and gets the endpoint's
//   service SID for the family. Invalid lists carry nothing; a candidate path is valid while one of
//   its lists is (RFC 9256 section 5.1).
// - Policies (policies.h): objects of one (color, endpoint) are one policy; its active candidate
//   path by RFC 9256 section 2.9; its binding SID is that of the active path's object, else of the
//   first that has one; it drops where one object says so. A policy towards this node itself does
//   not apply.
// - Steering (steering.h): pod prefixes and node addresses go to the endpoint's best valid policy
//   of the family (highest preference of the active path, then lower color), by color where the
//   prefix carries one, else to the plain path. Where no policy is valid: drop, if one of them says
//   so, else the plain path.
// - The SR domain (domain.h): the SIDs and addresses of all nodes and routers, the SIDs that
//   policies name, and configured prefixes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "overlay/claims.h"
#include "overlay/forwarding.h"
#include "overlay/intent.h"

namespace sextant::overlay {

/// What the node's own configuration fixes.
struct Settings {
  std::string node;                         // this node's name
  std::size_t max_segments = 6;             // deeper lists (service SID included) are rejected
  std::vector<IpPrefix> sid_prefixes = {};  // of the SR domain, besides what objects name
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// A candidate path as this headend sees it, for status.
struct CandidateStatus {
  ObjectKey object;  // the object that brought it
  srv6::CandidatePathKey key;
  std::string name;
  std::uint32_t preference = 0;
  std::vector<srv6::SegmentList> lists;  // complete
  bool active = false;
  std::string invalid_reason;  // empty where valid
  friend bool operator==(const CandidateStatus&, const CandidateStatus&) = default;
};

/// A policy of this headend: one (color, endpoint) and family.
struct PolicyStatus {
  PathKey path;               // color is always set
  std::string endpoint_node;  // empty where no node has that address
  std::optional<srv6::Sid> binding_sid;
  Fallback fallback = Fallback::kPlain;
  std::vector<CandidateStatus> candidates;
  std::vector<IpPrefix> steered;  // prefixes that it carries now
  friend bool operator==(const PolicyStatus&, const PolicyStatus&) = default;
};

struct Resolution {
  Forwarding forwarding;
  std::map<PathKey, PolicyStatus> policies;
  std::vector<Problem> problems;  // sorted
  Incumbents incumbents;
  friend bool operator==(const Resolution&, const Resolution&) = default;
};

/// `previous` supplies the installed candidate paths (RFC 9256 section 2.9 rule 4's tie-break) and
/// who holds what; may be null.
[[nodiscard]] Resolution resolve(const Intent& intent, const Settings& settings,
                                 const Resolution* previous = nullptr);

class Resolver {
 public:
  explicit Resolver(Settings settings);
  ~Resolver();
  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;

  /// Applies the change and returns what it means for this node. Cost: O(objects touched by the
  /// change).
  [[nodiscard]] ForwardingDiff apply(const IntentChange& change);

  [[nodiscard]] const Intent& intent() const;
  [[nodiscard]] const Forwarding& forwarding() const;
  [[nodiscard]] const std::map<PathKey, PolicyStatus>& policies() const;
  [[nodiscard]] std::vector<Problem> problems() const;
  /// For comparison with resolve(). Cost: everything.
  [[nodiscard]] Incumbents incumbents() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant::overlay
