#include "sources/kubernetes/node_readiness.h"

#include <algorithm>

#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {

namespace json = boost::json;

NodeFacts read_node_facts(const json::value& node) {
  NodeFacts facts{.uid = text_at(node, "metadata", "uid")};
  const auto* taints = find(node, "spec", "taints");
  if (taints != nullptr && taints->is_array())
    facts.tainted = std::ranges::any_of(taints->get_array(), [](const json::value& taint) {
      return text_at(taint, "key") == kNotReadyTaint;
    });
  const auto conditions = read_conditions(find(node, "status", "conditions"));
  if (const auto* found = find_condition(conditions, kNetworkUnavailable))
    facts.network_unavailable = *found;
  return facts;
}

ReadinessWish wanted_readiness(const Progress& progress, const NodeFacts& facts, Time time) {
  if (!progress.forwards && progress.stood) return {};
  Condition wanted{.type = std::string(kNetworkUnavailable),
                   .status = condition_status(!progress.forwards),
                   .reason = std::string(kUpReason),
                   .message = "Sextant forwards pods' packets",
                   .since = time};
  if (!progress.forwards) {
    wanted.reason = "SextantIsNotUp";
    wanted.message = progress.why_not;
  }
  ReadinessWish wish{.condition = {}, .remove_taint = progress.forwards && facts.tainted};
  const auto& there = facts.network_unavailable;
  if (there && there->status == wanted.status) {
    // Another provider's word of the same meaning is left alone.
    if (there->reason == wanted.reason && there->message == wanted.message) return wish;
    if (progress.forwards && there->reason != "SextantIsNotUp") return wish;
    wanted.since = there->since == Time() ? time : there->since;
  }
  wish.condition = std::move(wanted);
  return wish;
}

std::optional<json::object> readiness_patch(const json::value& node,
                                            const std::optional<Condition>& condition,
                                            Time heartbeat) {
  json::array conditions;
  bool there = false;
  const auto* standing = find(node, "status", "conditions");
  if (standing != nullptr && standing->is_array()) {
    for (const auto& each : standing->get_array()) {
      // Another provider's word is not ours to give up.
      const bool ours = text_at(each, "type") == kNetworkUnavailable &&
                        (condition || text_at(each, "reason").starts_with("Sextant"));
      there = there || ours;
      if (!ours) conditions.push_back(each);
    }
  }
  if (!condition && !there) return std::nullopt;
  if (condition)
    conditions.push_back({{"type", condition->type},
                          {"status", json_text(to_string(condition->status))},
                          {"reason", condition->reason},
                          {"message", condition->message},
                          {"lastHeartbeatTime", to_rfc3339(heartbeat)},
                          {"lastTransitionTime", to_rfc3339(condition->since)}});
  return json::object{
      {"metadata", {{"resourceVersion", text_at(node, "metadata", "resourceVersion")}}},
      {"status", {{"conditions", std::move(conditions)}}}};
}

std::optional<json::object> untaint_patch(const json::value& node) {
  const auto* taints = find(node, "spec", "taints");
  if (taints == nullptr || !taints->is_array()) return std::nullopt;
  json::array others;
  for (const auto& taint : taints->get_array())
    if (text_at(taint, "key") != kNotReadyTaint) others.push_back(taint);
  if (others.size() == taints->get_array().size()) return std::nullopt;
  json::value rest = others.empty() ? json::value(nullptr) : json::value(std::move(others));
  return json::object{
      {"metadata", {{"resourceVersion", text_at(node, "metadata", "resourceVersion")}}},
      {"spec", {{"taints", std::move(rest)}}}};
}

}  // namespace sextant::kubernetes
