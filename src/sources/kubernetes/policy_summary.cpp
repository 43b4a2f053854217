#include "sources/kubernetes/policy_summary.h"

#include <algorithm>
#include <set>

#include "overlay/headend.h"
#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using overlay::Policy;

constexpr std::size_t kNamesInMessage = 3;

/// The node at the policy's end; null where none is known (an address may be nobody's: then the
/// policy ends at a router that needs no object).
const overlay::Node* endpoint_node(const Policy& policy, const NodesByName& nodes) {
  if (const auto* name = std::get_if<std::string>(&policy.endpoint)) {
    const auto found = nodes.find(*name);
    return found == nodes.end() ? nullptr : &found->second;
  }
  const auto& address = std::get<IpAddress>(policy.endpoint);
  const auto found = std::ranges::find_if(nodes, [&](const auto& node) {
    return std::ranges::count(node.second.addresses, address) > 0;
  });
  return found == nodes.end() ? nullptr : &found->second;
}

Condition accepted(bool holds, std::string reason, std::string message) {
  return {.type = "Accepted",
          .status = condition_status(holds),
          .reason = std::move(reason),
          .message = std::move(message)};
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Condition judge_object(const PolicyObject& object, const NodesByName& nodes) {
  if (!object.fault.empty()) return accepted(false, "Invalid", shortened(object.fault));
  for (const auto& policy : object.policies) {
    if (const auto* name = std::get_if<std::string>(&policy.endpoint);
        name != nullptr && !nodes.contains(*name))
      return accepted(false, "EndpointNotFound", "no node is called '" + *name + "'");
    if (const auto* address = std::get_if<IpAddress>(&policy.endpoint);
        address != nullptr && address->is_v4() && endpoint_node(policy, nodes) == nullptr)
      return accepted(false, "EndpointNotFound",
                      "no node has the IPv4 address " + address->to_string());
    const bool selects_any = std::ranges::any_of(
        nodes, [&](const auto& node) { return overlay::selects(policy.headend, node.second); });
    if (selects_any) continue;
    const auto& names = policy.headend.names;
    const bool known =
        std::ranges::any_of(names, [&](const auto& name) { return nodes.contains(name); });
    return accepted(false, "HeadendNotFound",
                    names.empty() ? "no node has the labels of headend.nodeSelector"
                    : known ? "no node of headend.nodeNames has the labels of headend.nodeSelector"
                            : "no node is called " + shortened(join(names)));
  }
  return accepted(true, "Accepted", "the object is valid");
}

/// The nodes that have to have the policy, by name.
std::set<std::string> headends_of(const PolicyObject& object, const NodesByName& nodes,
                                  const ReportOf& report_of) {
  std::set<std::string> headends;
  for (const auto& policy : object.policies) {
    const auto* endpoint = endpoint_node(policy, nodes);
    for (const auto& name : policy.headend.names) {
      const auto node = nodes.find(name);
      const bool itself = node != nodes.end() && &node->second == endpoint;
      const bool left_out = node != nodes.end() && !overlay::selects(policy.headend, node->second);
      if (!itself && !left_out) headends.insert(name);
    }
    if (!policy.headend.names.empty()) continue;
    for (const auto& [name, node] : nodes)
      if (&node != endpoint && overlay::selects(policy.headend, node) && report_of(name) != nullptr)
        headends.insert(name);
  }
  return headends;
}

/// Why the headend does not have this state of the policy; none where it has.
struct Verdict {
  bool ready = false;
  bool failed = false;  // else: it may still come
  Trouble trouble;
};
Verdict judge_headend(const PolicyObject& object, std::uint32_t number, const std::string& name,
                      const NodesByName& nodes, const HeadendReport* report) {
  if (!nodes.contains(name))
    return {.failed = true, .trouble = {"HeadendNotFound", "there is no such node"}};
  if (report == nullptr)
    return {
        .trouble = {"NoAgent", "no agent has reported for this node; does sextantd run there?"}};
  const auto* entry = report->find(number);
  const bool current = entry != nullptr && entry->uid == uid_number(object.version.uid) &&
                       entry->generation == object.version.generation;
  if (!current)
    return {.trouble = {"NotReported", "its agent has not reported this generation yet"}};
  if (entry->programmed) return {.ready = true};
  const auto trouble = report->trouble.find(number);
  return {
      .failed = true,
      .trouble = trouble == report->trouble.end() ? Trouble{"NotProgrammed", ""} : trouble->second};
}

std::string names_of(const PolicySummary& summary) {
  std::string text;
  std::size_t named = 0;
  for (const auto& [node, trouble] : summary.not_ready) {
    if (named++ == kNamesInMessage) break;
    text += (text.empty() ? "" : "; ") + node + ": " +
            (trouble.message.empty() ? trouble.reason : trouble.message);
  }
  const auto missing = summary.headends - summary.ready;
  if (missing > kNamesInMessage)
    text += "; and " + std::to_string(missing - kNamesInMessage) + " more";
  return text;
}

Condition judge_readiness(const PolicySummary& summary, bool is_accepted, std::size_t failed) {
  Condition ready{.type = "Ready", .status = ConditionStatus::kFalse};
  const auto count =
      std::to_string(summary.ready) + " of " + std::to_string(summary.headends) + " headends";
  if (!is_accepted) {
    ready.reason = "NotAccepted";
    ready.message = "see condition Accepted; headends keep the last good form, where they had one";
  } else if (summary.headends == 0) {
    ready.reason = "NoHeadend";
    ready.message = "no selected node, other than the endpoint, runs Sextant";
  } else if (summary.ready == summary.headends) {
    ready.status = ConditionStatus::kTrue;
    ready.reason = "Programmed";
    ready.message = "on " + count;
  } else {
    ready.reason = failed == 0 ? "Pending" : summary.ready > 0 ? "PartiallyProgrammed" : "Failed";
    ready.message = shortened("on " + count + ": " + names_of(summary));
  }
  return ready;
}

}  // namespace

PolicySummary summarize(const PolicyObject& object, std::uint32_t number, const NodesByName& nodes,
                        const ReportOf& report_of, Time time) {
  PolicySummary summary{.observed_generation = object.version.generation};
  auto is_accepted = judge_object(object, nodes);
  std::size_t failed = 0;
  for (const auto& name : headends_of(object, nodes, report_of)) {
    ++summary.headends;
    auto verdict = judge_headend(object, number, name, nodes, report_of(name));
    if (verdict.ready) {
      ++summary.ready;
      continue;
    }
    failed += verdict.failed ? 1 : 0;
    if (summary.not_ready.size() < kNotReadyHeadends)
      summary.not_ready.push_back({name, std::move(verdict.trouble)});
  }
  auto ready = judge_readiness(summary, is_accepted.status == ConditionStatus::kTrue, failed);
  summary.conditions = {std::move(is_accepted), std::move(ready)};
  for (auto& condition : summary.conditions)
    condition.observed_generation = object.version.generation;
  keep_times(summary.conditions, object.written.conditions, time);
  return summary;
}

json::object to_json(const PolicySummary& summary) {
  json::array not_ready;
  for (const auto& [node, trouble] : summary.not_ready)
    not_ready.push_back(
        {{"nodeName", node}, {"reason", trouble.reason}, {"message", trouble.message}});
  return {{"observedGeneration", summary.observed_generation},
          {"conditions", to_json(summary.conditions)},
          {"headends", {{"selected", summary.headends}, {"ready", summary.ready}}},
          {"notReadyHeadends", std::move(not_ready)}};
}

}  // namespace sextant::kubernetes
