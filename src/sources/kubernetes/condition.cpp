#include "sources/kubernetes/condition.h"

#include <algorithm>

#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {

namespace json = boost::json;

std::string_view to_string(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::kFalse:
      return "False";
    case ConditionStatus::kTrue:
      return "True";
    case ConditionStatus::kUnknown:
      return "Unknown";
  }
  return "";
}

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::ranges::find(conditions, type, &Condition::type);
  return found == conditions.end() ? nullptr : &*found;
}

void keep_times(std::vector<Condition>& conditions, const std::vector<Condition>& before,
                Time time) {
  for (auto& condition : conditions) {
    const auto* old = find_condition(before, condition.type);
    const bool same = old != nullptr && old->status == condition.status && old->since != Time();
    condition.since = same ? old->since : time;
  }
}

json::array to_json(const std::vector<Condition>& conditions) {
  json::array array;
  for (const auto& condition : conditions) {
    json::object object{
        {"type", condition.type},
        {"status", json_text(to_string(condition.status))},
        {"lastTransitionTime", to_rfc3339(condition.since)},
        {"reason", condition.reason},
        // Kubernetes 1.20 takes an empty string in server-side apply for null.
        {"message", condition.message.empty() ? condition.reason : condition.message}};
    if (condition.observed_generation > 0)
      object["observedGeneration"] = condition.observed_generation;
    array.emplace_back(std::move(object));
  }
  return array;
}

std::vector<Condition> read_conditions(const json::value* conditions) {
  std::vector<Condition> read;
  const auto* array = conditions == nullptr ? nullptr : conditions->if_array();
  if (array == nullptr) return read;
  for (const auto& value : *array) {
    Condition condition{
        .type = text_at(value, "type"),
        .reason = text_at(value, "reason"),
        .message = text_at(value, "message"),
        .observed_generation = number_at(value, "observedGeneration"),
        .since = parse_rfc3339(text_at(value, "lastTransitionTime")).value_or(Time())};
    if (condition.type.empty()) continue;
    const auto status = text_at(value, "status");
    if (status == "True") condition.status = ConditionStatus::kTrue;
    if (status == "False") condition.status = ConditionStatus::kFalse;
    read.push_back(std::move(condition));
  }
  return read;
}

}  // namespace sextant::kubernetes
