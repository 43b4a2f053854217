#include "agent/node_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/version.h"
#include "overlay/headend.h"

namespace sextant::agent {
namespace {

using kubernetes::Condition;
using kubernetes::condition_status;
using kubernetes::kNotActive;
using kubernetes::NodeStatus;
using kubernetes::PolicyReport;
using overlay::ObjectKey;
using overlay::PolicyStatus;

constexpr std::size_t kProblemsTold = 3;

const overlay::Node* own_node(const Reconciler& reconciler) {
  const auto& nodes = reconciler.resolver().intent().nodes;
  const auto found = nodes.find(reconciler.settings().node);
  return found == nodes.end() ? nullptr : &found->second;
}

/// What failed for one thing, not for all: a route that somebody else has, a path.
bool concerns_one(const dataplane::ApplyProblem& problem) {
  const std::string_view object = problem.object;
  return object.starts_with("route ") || object.starts_with("path ") ||
         object.starts_with("nexthop") || object.starts_with("fast path");
}

/// The resolver's words about one object, by object.
std::map<ObjectKey, std::string> words_about_objects(const Reconciler& reconciler) {
  std::map<ObjectKey, std::string> words;
  for (const auto& problem : reconciler.resolver().problems()) {
    auto& text = words[problem.object];
    text += (text.empty() ? "" : "; ") + problem.reason;
  }
  return words;
}

bool leads_here(const overlay::Policy& policy, const overlay::Node& self) {
  if (const auto* name = std::get_if<std::string>(&policy.endpoint)) return *name == self.name;
  return std::ranges::count(self.addresses, std::get<IpAddress>(policy.endpoint)) > 0;
}

std::string endpoint_text(const overlay::Policy& policy) {
  const auto* name = std::get_if<std::string>(&policy.endpoint);
  return name != nullptr ? *name : std::get<IpAddress>(policy.endpoint).to_string();
}

/// What the data plane could not do for the policy; empty where it has it.
std::string data_plane_trouble(const PolicyStatus& policy, const Reconciler& reconciler) {
  if (reconciler.failure()) return reconciler.failure()->message();
  if (reconciler.apply_problems().empty()) return {};
  const auto path = policy.path.to_string();
  std::set<std::string> objects;  // there may be many problems, and many policies
  if (policy.binding_sid) objects.insert("SID " + policy.binding_sid->to_string());
  for (const auto& prefix : policy.steered) objects.insert("route " + prefix.to_string());
  const auto names = [&](const std::string& object) {
    return object.find(path) != std::string::npos || objects.contains(object);
  };
  for (const auto& problem : reconciler.apply_problems())
    if (!concerns_one(problem) || names(problem.object))
      return problem.object + ": " + problem.error.message();
  return {};
}

class PolicyReporter {
 public:
  PolicyReporter(const Reconciler& reconciler, const ReportContext& context)
      : reconciler_(reconciler), context_(context), words_(words_about_objects(reconciler)) {
    for (const auto& [path, policy] : reconciler.resolver().policies()) {
      std::set<ObjectKey> objects;
      for (const auto& candidate : policy.candidates) objects.insert(candidate.object);
      for (const auto& object : objects) by_object_[object].push_back(&policy);
    }
  }

  [[nodiscard]] PolicyReport report(const overlay::Policy& policy) const {
    PolicyReport report{.object = policy.key,
                        .version = context_.version(policy.key),
                        .color = policy.color.value,
                        .endpoint = endpoint_text(policy)};
    if (policy.ipv4) report.families.push_back(Family::kIpv4);
    if (policy.ipv6) report.families.push_back(Family::kIpv6);
    judge(policy, report);
    if (report.programmed) {
      report.reason = "Programmed";
    } else {
      report.message = kubernetes::shortened(std::move(report.message));
    }
    return report;
  }

 private:
  using Policies = std::vector<const PolicyStatus*>;

  void judge(const overlay::Policy& object, PolicyReport& report) const {
    const auto fail = [&report](const char* reason, std::string message) {
      report.reason = reason;
      report.message = std::move(message);
    };
    const auto word = words_.find(object.key);
    const auto words = word == words_.end() ? std::string() : word->second;
    const auto found = by_object_.find(object.key);
    if (found != by_object_.end()) describe(object.key, found->second, report);
    if (auto fault = context_.fault(object.key); !fault.empty())
      return fail("Invalid", "its last good form stays: " + std::move(fault));
    if (!context_.hold.empty()) return fail("Waiting", context_.hold);
    if (!reconciler_.begun()) return fail("Waiting", "the agent has not begun to forward");
    if (found == by_object_.end())
      return fail("Rejected", words.empty() ? "this node cannot be a headend" : words);
    for (const auto* policy : found->second) {
      const auto* candidate = active(*policy);
      if (candidate == nullptr)
        return fail("NoValidPath", words.empty() ? "no candidate path is valid" : words);
      if (candidate->object != object.key && !has_valid_path(*policy, object.key))
        return fail("NoValidPath", words.empty() ? "no candidate path of it is valid" : words);
      if (candidate->object != object.key)
        return fail(kNotActive, "a candidate path of " + candidate->object.to_string() +
                                    " is preferred (RFC 9256 section 2.9)");
      if (object.binding_sid && policy->binding_sid != object.binding_sid)
        return fail("BindingSidRefused",
                    words.empty() ? "another object's binding SID is used" : words);
      if (auto trouble = data_plane_trouble(*policy, reconciler_); !trouble.empty())
        return fail("DataPlane", std::move(trouble));
    }
    report.programmed = true;
    report.message = words;  // a path of less preference that is not valid, for example
  }

  static const overlay::CandidateStatus* active(const PolicyStatus& policy) {
    const auto found = std::ranges::find_if(policy.candidates, &overlay::CandidateStatus::active);
    return found == policy.candidates.end() ? nullptr : &*found;
  }

  static bool has_valid_path(const PolicyStatus& policy, const ObjectKey& object) {
    return std::ranges::any_of(policy.candidates, [&object](const auto& candidate) {
      return candidate.object == object && candidate.invalid_reason.empty();
    });
  }

  static void describe(const ObjectKey& object, const Policies& policies, PolicyReport& report) {
    report.endpoint = policies.front()->path.endpoint.to_string();
    report.endpoint_node = policies.front()->endpoint_node;
    std::map<Family, std::string> names;
    std::set<std::string> different;
    for (const auto* policy : policies) {
      const auto* candidate = active(*policy);
      const bool ours = candidate != nullptr && candidate->object == object;
      different.insert(ours ? candidate->name : "");
      if (ours) names[policy->path.family] = candidate->name;
    }
    for (const auto& [family, name] : names) {
      if (different.size() == 1) {
        report.active_path = name;
        return;
      }
      report.active_path += (report.active_path.empty() ? "" : ", ") + name + " (" +
                            std::string(sextant::to_string(family)) + ")";
    }
  }

  const Reconciler& reconciler_;
  const ReportContext& context_;
  std::map<ObjectKey, std::string> words_;
  std::map<ObjectKey, Policies> by_object_;
};

Condition ready_condition(const Reconciler& reconciler, const ReportContext& context) {
  Condition ready{.type = "Ready"};
  const auto progress = make_progress(reconciler, false, context.hold);
  const auto fail = [&ready](const char* reason, std::string message) {
    ready.status = condition_status(false);
    ready.reason = reason;
    ready.message = kubernetes::shortened(std::move(message));
    return ready;
  };
  if (!reconciler.begun()) return fail("Waiting", progress.why_not);
  if (reconciler.failure()) return fail("DataPlaneFailed", progress.why_not);
  if (!progress.forwards) return fail("NotForwarding", progress.why_not);
  const auto& problems = reconciler.apply_problems();
  if (!problems.empty()) {
    std::string text;
    for (std::size_t i = 0; i < problems.size() && i < kProblemsTold; ++i)
      text += (i > 0 ? "; " : "") + problems[i].object + ": " + problems[i].error.message();
    if (problems.size() > kProblemsTold)
      text += "; and " + std::to_string(problems.size() - kProblemsTold) + " more";
    return fail("PartlyProgrammed", text);
  }
  ready.status = condition_status(true);
  ready.reason = "Forwarding";
  ready.message = "everything is programmed";
  return ready;
}

Condition locator_condition(const Reconciler& reconciler, const ReportContext& context) {
  const auto& locator = reconciler.resolver().forwarding().locator;
  Condition assigned{.type = "LocatorAssigned", .status = condition_status(locator.has_value())};
  if (locator) {
    assigned.reason = to_string(context.locator_origin);
    assigned.message = locator->to_string();
  } else {
    assigned.reason = context.no_locator_reason.empty() ? "NoLocator" : context.no_locator_reason;
    assigned.message = context.no_locator_message.empty()
                           ? "give the Node an annotation sextant.dev/locator, or the agents a "
                             "--locator-pool"
                           : context.no_locator_message;
  }
  return assigned;
}

std::string_view encapsulation(srv6::EncapMode mode) {
  return mode == srv6::EncapMode::kEncapsReduced ? "H.Encaps.Red" : "H.Encaps";
}

}  // namespace

kubernetes::NodeStatus make_node_status(const Reconciler& reconciler,
                                        const ReportContext& context) {
  const auto& forwarding = reconciler.resolver().forwarding();
  NodeStatus status{
      .agent_version = std::string(version()),
      .conditions = {ready_condition(reconciler, context), locator_condition(reconciler, context)},
      .locator_origin =
          forwarding.locator ? context.locator_origin : kubernetes::LocatorOrigin::kNone,
      .data_plane = std::string(reconciler.dataplane().name()),
      .encapsulation = std::string(encapsulation(context.encap)),
      .max_segments = reconciler.settings().max_segments};
  if (forwarding.encapsulation_source)
    status.encapsulation_source = forwarding.encapsulation_source->to_string();
  if (forwarding.overlay_ipv4)
    status.overlay_addresses.push_back(forwarding.overlay_ipv4->to_string());
  if (forwarding.overlay_ipv6)
    status.overlay_addresses.push_back(forwarding.overlay_ipv6->to_string());
  for (const auto& prefix : forwarding.pod_prefixes)
    status.pod_prefixes.push_back(prefix.to_string());
  if (forwarding.locator) status.locator = forwarding.locator->to_string();
  // Binding SIDs may be many: the node's own come first.
  for (const bool binding : {false, true})
    for (const auto& [sid, local] : forwarding.local_sids)
      if ((local.behavior == srv6::Behavior::kEndB6Encaps) == binding)
        status.sids.push_back({sid.to_string(), std::string(srv6::to_string(local.behavior))});

  const auto* self = own_node(reconciler);
  if (self == nullptr) return status;
  for (const auto& address : self->addresses) status.addresses.push_back(address.to_string());
  const PolicyReporter reporter(reconciler, context);
  for (const auto& [key, policy] : reconciler.resolver().intent().policies)
    if (overlay::selects(policy.headend, *self) && !leads_here(policy, *self))
      status.policies.push_back(reporter.report(policy));
  return status;
}

std::vector<PolicyReport> make_policy_reports(const Reconciler& reconciler,
                                              const ReportContext& context,
                                              const std::vector<const overlay::Policy*>& policies) {
  std::vector<PolicyReport> reports;
  const auto* self = own_node(reconciler);
  const PolicyReporter reporter(reconciler, context);
  for (const auto* policy : policies) {
    auto& report = reports.emplace_back(reporter.report(*policy));
    if (self == nullptr || !leads_here(*policy, *self)) continue;
    report.reason = "LeadsHere";
    report.message = "its endpoint is this node itself";
  }
  return reports;
}

kubernetes::Progress make_progress(const Reconciler& reconciler, bool stood,
                                   const std::string& hold) {
  kubernetes::Progress progress{.stood = stood};
  const auto& forwarding = reconciler.resolver().forwarding();
  const auto& problems = reconciler.apply_problems();
  const auto blocking = std::ranges::find_if_not(problems, concerns_one);
  const bool delivers = std::ranges::any_of(forwarding.local_sids, [](const auto& sid) {
    return srv6::decapsulates(sid.second.behavior);
  });
  if (!hold.empty())
    progress.why_not = hold;
  else if (!reconciler.begun())
    progress.why_not = "the agent is starting";
  else if (reconciler.failure())
    progress.why_not = reconciler.failure()->message();
  else if (!forwarding.locator)
    progress.why_not = "the node has no locator: see its SRv6Node";
  else if (!forwarding.encapsulation_source)
    progress.why_not = "the node has no IPv6 address to send from";
  else if (!delivers)
    progress.why_not = "the node has no SID that delivers to pods: does it have pod prefixes?";
  else if (blocking != problems.end())
    progress.why_not = blocking->object + ": " + blocking->error.message();
  else
    progress.forwards = true;
  progress.why_not = kubernetes::shortened(std::move(progress.why_not));
  return progress;
}

}  // namespace sextant::agent
