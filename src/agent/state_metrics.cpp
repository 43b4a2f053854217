#include "agent/state_metrics.h"

#include <algorithm>
#include <map>
#include <set>

#include "agent/source_view.h"
#include "base/version.h"

namespace sextant::agent {
namespace {

std::string text_or_empty(const auto& value) { return value ? value->to_string() : std::string(); }

bool is_active(const overlay::PolicyStatus& policy) {
  return std::ranges::any_of(policy.candidates, &overlay::CandidateStatus::active);
}

void write_identity(MetricText& text, const Reconciler& reconciler, const SourceState& source) {
  const auto& forwarding = reconciler.resolver().forwarding();
  text.gauge("sextant_build_info", "The agent's build; always 1.");
  text.add({{"version", version()}}, 1.0);
  text.gauge("sextant_node_info", "The node that the agent serves, and what forwards; always 1.");
  text.add({{"headend", reconciler.settings().node},
            {"dataplane", reconciler.dataplane().name()},
            {"encapsulation_source", text_or_empty(forwarding.encapsulation_source)},
            {"locator", text_or_empty(forwarding.locator)}},
           1.0);
  text.gauge("sextant_healthy", "Whether the last reconcile did all that is wanted (as /healthz).",
             unhealthy_reasons(reconciler, source).empty() ? 1 : 0);
  write_source(text, source);
}

void write_policies(MetricText& text, const std::vector<LabelledPolicy>& policies) {
  std::map<std::string_view, double> states{
      {"active", 0}, {"fallback_plain", 0}, {"fallback_drop", 0}};
  for (const auto& [labels, policy] : policies)
    ++states[is_active(*policy)                             ? "active"
             : policy->fallback == overlay::Fallback::kDrop ? "fallback_drop"
                                                            : "fallback_plain"];
  text.gauge("sextant_policies",
             "Policies of this headend, one a family, by state: active, or without a valid "
             "candidate path, so that traffic takes the plain path or is dropped.");
  for (const auto& [state, number] : states) text.add({{"state", state}}, number);
  text.gauge("sextant_policy_active", "Whether the policy has an active candidate path.");
  for (const auto& [labels, policy] : policies) text.add(labels, is_active(*policy) ? 1.0 : 0.0);
}

struct CandidateState {
  bool active = false;
  bool valid = false;
};

/// A series a candidate path. Should two sources use one key (RFC 9256 wants keys unique), they are
/// one.
std::map<Labels, CandidateState> candidate_states(const LabelledPolicy& labelled) {
  std::map<Labels, CandidateState> states;
  for (const auto& candidate : labelled.policy->candidates) {
    const auto& key = candidate.key;
    auto labels = labelled.labels;
    labels.add("object", candidate.object.to_string())
        .add("candidate_path", candidate.name)
        .add("protocol_origin", std::to_string(key.origin.value))
        .add("originator", "<" + std::to_string(key.originator.asn) + ", " +
                               key.originator.address.to_string() + ">")
        .add("discriminator", std::to_string(key.discriminator));
    auto& state = states[std::move(labels)];
    state.active |= candidate.active;
    state.valid |= candidate.invalid_reason.empty();
  }
  return states;
}

void write_candidates(MetricText& text, const std::vector<LabelledPolicy>& policies) {
  std::vector<std::pair<Labels, CandidateState>> all;
  for (const auto& policy : policies)
    for (auto& [labels, state] : candidate_states(policy)) all.emplace_back(labels, state);
  text.gauge("sextant_candidate_path_active",
             "Whether the candidate path is the one in force (RFC 9256 section 2.9).");
  for (const auto& [labels, state] : all) text.add(labels, state.active ? 1.0 : 0.0);
  text.gauge("sextant_candidate_path_valid",
             "Whether the candidate path could be in force (RFC 9256 section 5.1).");
  for (const auto& [labels, state] : all) text.add(labels, state.valid ? 1.0 : 0.0);
}

void write_nodes(MetricText& text, const Reconciler& reconciler,
                 const std::vector<overlay::Problem>& problems) {
  std::set<std::string_view> bad;
  for (const auto& problem : problems)
    if (problem.object.kind == "Node" || problem.object.kind == "SRv6Node")
      bad.insert(problem.object.name);
  std::map<std::pair<std::string, std::string>, int> states{{{"node", "ok"}, 0},
                                                            {{"node", "problem"}, 0},
                                                            {{"router", "ok"}, 0},
                                                            {{"router", "problem"}, 0}};
  for (const auto& [name, node] : reconciler.resolver().intent().nodes)
    ++states[{node.pod_prefixes.empty() ? "router" : "node",
              bad.contains(name) ? "problem" : "ok"}];
  text.gauge("sextant_nodes",
             "Nodes and routers (those without pod prefixes) that the agent knows, by state; "
             "problem: part of the object is malformed or claimed by another node, and left out.");
  for (const auto& [labels, number] : states)
    text.add({{"role", labels.first}, {"state", labels.second}}, static_cast<double>(number));
}

void write_problems(MetricText& text, const Reconciler& reconciler, const SourceState& source,
                    const std::vector<overlay::Problem>& problems) {
  const auto errors = static_cast<std::size_t>(
      std::ranges::count(source.findings, sources::Severity::kError, &sources::Finding::severity));
  const auto not_applied = reconciler.apply_problems().size() + (reconciler.failure() ? 1U : 0U);
  text.gauge("sextant_problems",
             "What is wrong now, as `sextant status` lists it: with what was read (source), with "
             "how it fits together (overlay), with making it so (dataplane).");
  const auto add = [&](const char* kind, const char* severity, std::size_t number) {
    text.add({{"kind", kind}, {"severity", severity}}, static_cast<double>(number));
  };
  add("source", "error", errors);
  add("source", "warning", source.findings.size() - errors);
  add("overlay", "error", problems.size());
  add("dataplane", "error", not_applied);
}

}  // namespace

void write_state(MetricText& text, const Reconciler& reconciler, const SourceState& source,
                 const std::vector<LabelledPolicy>& policies) {
  const auto problems = reconciler.resolver().problems();
  const auto& forwarding = reconciler.resolver().forwarding();
  write_identity(text, reconciler, source);
  write_problems(text, reconciler, source, problems);
  write_nodes(text, reconciler, problems);
  write_policies(text, policies);
  write_candidates(text, policies);
  text.gauge("sextant_local_sids", "Local SIDs.",
             static_cast<double>(forwarding.local_sids.size()));
  text.gauge("sextant_paths", "Encapsulation paths in force, of policies and plain.",
             static_cast<double>(forwarding.paths.size()));
  text.gauge("sextant_routes", "Overlay routes.",
             static_cast<double>(forwarding.routes.size() + forwarding.locator_routes.size()));
}

}  // namespace sextant::agent
