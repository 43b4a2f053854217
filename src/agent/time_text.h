// Times as the API and the structured logs show them.
#pragma once

#include <fmt/chrono.h>

#include <chrono>
#include <string>

namespace sextant::agent {

/// RFC 3339 in UTC, with milliseconds.
[[nodiscard]] inline std::string time_text(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), rest.count());
}

}  // namespace sextant::agent
