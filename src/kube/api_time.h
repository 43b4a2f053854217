// Times as the API writes them (RFC 3339, UTC). Private to this room.
#pragma once

#include <chrono>
#include <string>

namespace sextant::kube {

/// "2026-01-31T12:00:00Z"
[[nodiscard]] std::string to_time(std::chrono::system_clock::time_point time);
/// "2026-01-31T12:00:00.123456Z"
[[nodiscard]] std::string to_micro_time(std::chrono::system_clock::time_point time);

}  // namespace sextant::kube
