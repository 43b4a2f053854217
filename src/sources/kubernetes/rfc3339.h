// Times in objects' status: RFC 3339 in UTC, whole seconds, as metav1.Time writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::kubernetes {

using Time = std::chrono::sys_seconds;

[[nodiscard]] Time now();
/// "2026-11-23T07:00:00Z"
[[nodiscard]] std::string to_rfc3339(Time time);
/// Takes a fraction of a second too, and drops it; none where it is no time in UTC.
[[nodiscard]] std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace sextant::kubernetes
