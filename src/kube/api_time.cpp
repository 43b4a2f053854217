#include "kube/api_time.h"

#include <fmt/chrono.h>

namespace sextant::kube {
namespace {

std::tm utc(std::chrono::system_clock::time_point time) {
  return fmt::gmtime(
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time)));
}

}  // namespace

std::string to_time(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc(time));
}

std::string to_micro_time(std::chrono::system_clock::time_point time) {
  const auto fraction = std::chrono::duration_cast<std::chrono::microseconds>(
      time - std::chrono::floor<std::chrono::seconds>(time));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", utc(time), fraction.count());
}

}  // namespace sextant::kube
