// When the first packet of each family, sent after a given moment, crosses a router.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "testbed/sniffer.h"

namespace sextant::e2e {

class PathWatch {
 public:
  using Time = std::chrono::system_clock::time_point;

  [[nodiscard]] static Result<PathWatch> start(const std::string& netns);

  /// From now on only packets sent after `from` count, by the time of sending that they carry.
  void arm(Time from);
  /// The kernel's times of arrival: IPv4, IPv6. None where one did not come within `timeout`.
  [[nodiscard]] std::optional<std::array<Time, 2>> wait(std::chrono::milliseconds timeout) const;

 private:
  struct State;
  PathWatch(std::shared_ptr<State> state, testbed::Sniffer sniffer)
      : state_(std::move(state)), sniffer_(std::move(sniffer)) {}
  std::shared_ptr<State> state_;  // also held by the sniffer's filter
  testbed::Sniffer sniffer_;
};

}  // namespace sextant::e2e
