// Policy objects -> the policies of this headend: which objects apply here, which of them form one
// policy, which candidate path is active, and the policy's binding SID.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "overlay/directory.h"
#include "overlay/headend.h"
#include "overlay/resolver.h"

namespace sextant::overlay {

/// One policy of the headend. Both families share it: its objects, its binding SID.
struct PolicyId {
  Ipv6Address endpoint;
  srv6::Color color;
  friend auto operator<=>(const PolicyId&, const PolicyId&) = default;
  [[nodiscard]] PathKey path(Family family) const { return {endpoint, color, family}; }
};

using PolicyTable = std::map<PathKey, PolicyStatus>;

struct PolicyReading {
  std::optional<PolicyId> applies;  // to this headend, as this policy
  std::vector<Problem> problems;
};

/// The object alone: nothing about its paths yet.
[[nodiscard]] PolicyReading read_policy(const Policy& object, const Directory& nodes,
                                        const Headend& headend);
[[nodiscard]] Problem policy_problem(const Policy& object, std::string reason);
[[nodiscard]] Problem selects_nothing_problem(const Policy& object);

/// Why the SID cannot be a binding SID here whoever wants it; empty where it can.
[[nodiscard]] std::string binding_sid_fault(const srv6::Sid& sid, const Directory& nodes);

/// Binding SIDs wanted at this headend: the object that held it keeps it, else the first by key has
/// it; and its whole policy with it.
struct BindingSidOwner {
  ObjectKey object;
  PolicyId policy;
  friend bool operator==(const BindingSidOwner&, const BindingSidOwner&) = default;
};

struct PolicyContext {
  const Directory& nodes;
  const Settings& settings;
  std::function<const BindingSidOwner&(const srv6::Sid&)> binding_sid_owner;
};

/// The policy for one family; none where none of the objects (sorted by key) carries it.
/// `installed` is the candidate path that was active before. Problems are added to.
[[nodiscard]] std::optional<PolicyStatus> evaluate(
    const PolicyId& id, Family family, std::span<const Policy* const> objects,
    const PolicyContext& context, const std::optional<srv6::CandidatePathKey>& installed,
    std::set<Problem>& problems);

/// The active candidate path; null where none is valid.
[[nodiscard]] const CandidateStatus* active(const PolicyStatus& policy);
[[nodiscard]] std::optional<srv6::CandidatePathKey> active_key(const PolicyTable& policies,
                                                               const PathKey& path);
/// The binding SIDs of a policy, from its statuses: IPv6 lists first, since what comes to a binding
/// SID is IPv6.
[[nodiscard]] std::map<srv6::Sid, LocalSid> binding_sids(const PolicyId& id,
                                                         const PolicyTable& policies);

}  // namespace sextant::overlay
