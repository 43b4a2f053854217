#include "agent/bgp_outcomes.h"

#include <set>
#include <utility>
#include <vector>

#include "agent/node_report.h"
#include "overlay/policies.h"

namespace sextant::agent {
namespace {

/// The kind of policies that came by BGP (route_reading.h: policy_key).
const std::string kBgp = "BGP";

bgp_source::PathOutcome outcome_of(const kubernetes::PolicyReport& report) {
  bgp_source::PathOutcome outcome{.reason = report.message};
  if (report.reason == "Waiting") return outcome;
  outcome.evaluated = true;
  outcome.leads_here = report.reason == "LeadsHere";
  outcome.active = report.programmed;
  // All else is a matter of what else there is, or of programming it.
  outcome.valid = report.programmed || (report.reason != "Rejected" &&
                                        report.reason != "NoValidPath" && !outcome.leads_here);
  return outcome;
}

/// A policy of a color alone is there once for each next hop that it serves, "... for fd12::1000"
/// (intent_merge.h).
std::string name_of_path(const std::string& object) { return object.substr(0, object.find(' ')); }

/// Whether nothing needs to be said of it but that it is in use: most policies, found without a
/// report on each.
bool is_plainly_in_use(const Reconciler& reconciler, const overlay::Policy& policy) {
  const auto* const address = std::get_if<IpAddress>(&policy.endpoint);
  if (address == nullptr || !address->is_v6()) return false;
  const auto& statuses = reconciler.resolver().policies();
  const auto carried = [&](Family family) {
    const auto status = statuses.find({address->v6(), policy.color, family});
    if (status == statuses.end()) return false;
    const auto* const path = overlay::active(status->second);
    return path != nullptr && path->object == policy.key &&
           (!policy.binding_sid || status->second.binding_sid == policy.binding_sid);
  };
  return (policy.ipv4 || policy.ipv6) && (!policy.ipv4 || carried(Family::kIpv4)) &&
         (!policy.ipv6 || carried(Family::kIpv6));
}

}  // namespace

bgp_source::PathOutcomes make_bgp_outcomes(const Reconciler& reconciler) {
  const ReportContext context{.version = [](const auto&) { return kubernetes::ObjectVersion{}; },
                              .fault = [](const auto&) { return std::string(); }};
  std::set<overlay::ObjectKey> talked_about;
  for (const auto& problem : reconciler.resolver().problems()) talked_about.insert(problem.object);
  const bool all_is_well =
      reconciler.begun() && !reconciler.failure() && reconciler.apply_problems().empty();
  bgp_source::PathOutcomes outcomes;
  const auto take = [&](const overlay::ObjectKey& object, bgp_source::PathOutcome outcome) {
    const auto [known, added] = outcomes.try_emplace(name_of_path(object.name), outcome);
    if (!added && outcome.active && !known->second.active) known->second = std::move(outcome);
  };
  std::vector<const overlay::Policy*> others;
  const auto& policies = reconciler.resolver().intent().policies;
  for (auto policy = policies.lower_bound({kBgp, ""});
       policy != policies.end() && policy->first.kind == kBgp; ++policy) {
    if (all_is_well && !talked_about.contains(policy->first) &&
        is_plainly_in_use(reconciler, policy->second)) {
      take(policy->first, {.evaluated = true, .valid = true, .active = true});
    } else {
      others.push_back(&policy->second);
    }
  }
  if (others.empty()) return outcomes;
  for (const auto& report : make_policy_reports(reconciler, context, others)) {
    take(report.object, outcome_of(report));
  }
  return outcomes;
}

}  // namespace sextant::agent
