// metav1.Condition.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/kubernetes/rfc3339.h"

namespace sextant::kubernetes {

enum class ConditionStatus : std::uint8_t { kFalse, kTrue, kUnknown };
/// "True", "False", "Unknown"
[[nodiscard]] std::string_view to_string(ConditionStatus status);
[[nodiscard]] constexpr ConditionStatus condition_status(bool holds) {
  return holds ? ConditionStatus::kTrue : ConditionStatus::kFalse;
}

struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  Time since = {};  // lastTransitionTime: of `status`
  friend bool operator==(const Condition&, const Condition&) = default;
};

[[nodiscard]] const Condition* find_condition(const std::vector<Condition>& conditions,
                                              std::string_view type);
/// Each condition keeps the time that `before` has for it while its status is the same; the others
/// begin at `time`.
void keep_times(std::vector<Condition>& conditions, const std::vector<Condition>& before,
                Time time);

[[nodiscard]] boost::json::array to_json(const std::vector<Condition>& conditions);
/// Of an object's `status.conditions`; what is no condition is left out.
[[nodiscard]] std::vector<Condition> read_conditions(const boost::json::value* conditions);

}  // namespace sextant::kubernetes
