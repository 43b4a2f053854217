#include "agent/bgp_outcomes.h"

#include "agent/node_report.h"

namespace sextant::agent {
namespace {

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

}  // namespace

bgp_source::PathOutcomes make_bgp_outcomes(const Reconciler& reconciler) {
  const ReportContext context{.version = [](const auto&) { return kubernetes::ObjectVersion{}; },
                              .fault = [](const auto&) { return std::string(); }};
  bgp_source::PathOutcomes outcomes;
  for (const auto& report : make_policy_reports(reconciler, context, "BGP")) {
    auto outcome = outcome_of(report);
    const auto [known, added] = outcomes.emplace(name_of_path(report.object.name), outcome);
    if (!added && outcome.active && !known->second.active) known->second = std::move(outcome);
  }
  return outcomes;
}

}  // namespace sextant::agent
