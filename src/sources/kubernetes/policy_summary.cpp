#include "sources/kubernetes/policy_summary.h"

#include <algorithm>
#include <optional>

#include "overlay/headend.h"
#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using overlay::Policy;
using Headend = HeadendBoard::Headend;

constexpr std::size_t kNamesInMessage = 3;

/// The node at the policy's end; none where none is known (an address may be nobody's: then the
/// policy ends at a router that needs no object).
std::optional<Headend> endpoint_node(const Policy& policy, HeadendBoard& board) {
  if (const auto* name = std::get_if<std::string>(&policy.endpoint))
    return board.nodes().contains(*name) ? board.find(*name) : std::nullopt;
  return board.find(std::get<IpAddress>(policy.endpoint));
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

constexpr std::string_view kSegmentNotFound = "SegmentNotFound";

/// Names in segment lists that are no node's and no router's, in the order of the object.
std::vector<std::string> unknown_segments(const Policy& policy, const NodesByName& nodes) {
  std::vector<std::string> unknown;
  for (const auto& path : policy.paths)
    for (const auto& list : path.lists)
      for (const auto& segment : list.segments)
        if (const auto* name = std::get_if<std::string>(&segment);
            name != nullptr && !nodes.contains(*name) && std::ranges::count(unknown, *name) == 0)
          unknown.push_back(*name);
  return unknown;
}

Condition judge_object(const PolicyObject& object, HeadendBoard& board) {
  const auto& nodes = board.nodes();
  if (!object.fault.empty()) return accepted(false, "Invalid", shortened(object.fault));
  for (const auto& policy : object.policies) {
    if (const auto* name = std::get_if<std::string>(&policy.endpoint);
        name != nullptr && !nodes.contains(*name))
      return accepted(false, "EndpointNotFound", "no node is called '" + *name + "'");
    if (const auto* address = std::get_if<IpAddress>(&policy.endpoint);
        address != nullptr && address->is_v4() && !endpoint_node(policy, board))
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
  for (const auto& policy : object.policies)
    if (const auto unknown = unknown_segments(policy, nodes); !unknown.empty())
      return accepted(false, std::string(kSegmentNotFound),
                      shortened("no node is called " + join(unknown) +
                                "; segment lists that name it are not used"));
  return accepted(true, "Accepted", "the object is valid");
}

/// A node that has to have the policy.
struct Selected {
  const std::string* name;
  std::optional<Headend> headend;  // none: there is no such node
};

/// By name; each once.
std::vector<Selected> headends_of(const PolicyObject& object, HeadendBoard& board) {
  const auto& nodes = board.nodes();
  std::vector<Selected> selected;
  for (const auto& policy : object.policies) {
    const auto endpoint = endpoint_node(policy, board);
    for (const auto& name : policy.headend.names) {
      const auto node = nodes.find(name);
      if (node == nodes.end()) {
        selected.push_back({&name, std::nullopt});
      } else if (overlay::selects(policy.headend, node->second)) {
        const auto headend = board.find(name);
        if (headend != endpoint) selected.push_back({&name, headend});
      }
    }
    if (!policy.headend.names.empty()) continue;
    const bool every = policy.headend.match_labels.empty();
    for (const auto headend : board.speakers()) {
      if (headend == endpoint) continue;
      const auto& name = board.name(headend);
      if (!every) {
        const auto node = nodes.find(name);
        if (node == nodes.end() || !overlay::selects(policy.headend, node->second)) continue;
      }
      selected.push_back({&name, headend});
    }
  }
  const bool one_of_many = object.policies.size() == 1 && object.policies[0].headend.names.empty();
  if (!one_of_many) {
    const auto name = [](const Selected& each) -> const std::string& { return *each.name; };
    std::ranges::sort(selected, {}, name);
    const auto [first, last] = std::ranges::unique(selected, {}, name);
    selected.erase(first, last);
  }
  return selected;
}

/// Why the headend does not have this state of the policy; none where it has.
struct Verdict {
  bool ready = false;
  bool failed = false;  // else: it may still come
  Trouble trouble = {};
};
Verdict judge_headend(const PolicyObject& object, std::uint32_t policy, const Selected& selected,
                      const HeadendBoard& board) {
  if (!selected.headend)
    return {.failed = true, .trouble = {"HeadendNotFound", "there is no such node"}};
  if (!board.speaks(*selected.headend))
    return {
        .trouble = {"NoAgent", "no agent has reported for this node; does sextantd run there?"}};
  const auto* said = board.said(policy, *selected.headend);
  const bool current = said != nullptr && said->uid == uid_number(object.version.uid) &&
                       said->generation == object.version.generation;
  if (!current)
    return {.trouble = {"NotReported", "its agent has not reported this generation yet"}};
  if (said->programmed) return {.ready = true};
  const auto* trouble = board.trouble(policy, *selected.headend);
  return {.failed = true, .trouble = trouble == nullptr ? Trouble{"NotProgrammed", ""} : *trouble};
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

/// Of the headends that do not have the policy; the others may still come.
struct Missing {
  std::size_t failed = 0;
  std::size_t outranked = 0;  // of those: by a candidate path of another object, as meant
};

Condition judge_readiness(const PolicySummary& summary, bool in_force, const Missing& missing) {
  Condition ready{.type = "Ready", .status = ConditionStatus::kFalse};
  const auto count =
      std::to_string(summary.ready) + " of " + std::to_string(summary.headends) + " headends";
  if (!in_force) {
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
    const auto pending = summary.headends - summary.ready - missing.failed;
    ready.reason = missing.outranked == summary.headends                ? kNotActive
                   : pending > 0 && missing.failed == missing.outranked ? "Pending"
                   : summary.ready > 0                                  ? "PartiallyProgrammed"
                                                                        : "Failed";
    ready.message = shortened("on " + count + ": " + names_of(summary));
  }
  return ready;
}

}  // namespace

PolicySummary summarize(const PolicyObject& object, std::uint32_t policy, HeadendBoard& board,
                        Time time) {
  PolicySummary summary{.observed_generation = object.version.generation};
  auto is_accepted = judge_object(object, board);
  Missing missing;
  for (const auto& selected : headends_of(object, board)) {
    ++summary.headends;
    auto verdict = judge_headend(object, policy, selected, board);
    if (verdict.ready) {
      ++summary.ready;
      continue;
    }
    missing.failed += verdict.failed ? 1 : 0;
    missing.outranked += verdict.trouble.reason == kNotActive ? 1 : 0;
    if (summary.not_ready.size() < kNotReadyHeadends)
      summary.not_ready.push_back({*selected.name, std::move(verdict.trouble)});
  }
  const bool in_force =
      is_accepted.status == ConditionStatus::kTrue || is_accepted.reason == kSegmentNotFound;
  auto ready = judge_readiness(summary, in_force, missing);
  summary.conditions = {std::move(is_accepted), std::move(ready)};
  for (auto& condition : summary.conditions)
    condition.observed_generation = object.version.generation;
  keep_times(summary.conditions, object.written.conditions, time);
  // A status may have conditions of others, as a Node's has: a write keeps them.
  for (const auto& written : object.written.conditions)
    if (find_condition(summary.conditions, written.type) == nullptr)
      summary.conditions.push_back(written);
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
