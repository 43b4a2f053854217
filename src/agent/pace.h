// When to try again, and how often to repair: pure arithmetic on the monotonic clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace sextant::agent {

using Clock = std::chrono::steady_clock;

/// Growing delays between retries of what the data plane could not do.
class Backoff {
 public:
  static constexpr Clock::duration kFirst = std::chrono::seconds(1);
  static constexpr Clock::duration kLast = std::chrono::seconds(60);

  /// The delay before the next retry. `cost` is what the last try took: retries take at most a
  /// tenth of the time.
  [[nodiscard]] Clock::duration next(Clock::duration cost) {
    const auto delay = std::max(delay_, 10 * cost);
    delay_ = std::min(delay_ * 2, kLast);
    return delay;
  }
  /// Something has changed: the next retry may be soon.
  void reset() { delay_ = kFirst; }

 private:
  Clock::duration delay_ = kFirst;
};

/// Lets a burst pass at once and a storm at a steady rate (the generic cell rate algorithm).
class RateLimit {
 public:
  RateLimit(int burst, Clock::duration interval) : burst_(burst), interval_(interval) {}

  /// Zero: go ahead, and it is counted. Otherwise the time after which to ask again. `cost` is what
  /// one action takes: the interval is never below it.
  [[nodiscard]] Clock::duration take(Clock::time_point now, Clock::duration cost) {
    const auto interval = std::max(interval_, cost);
    const auto due = std::max(due_, now);
    const auto wait = due - now - (burst_ - 1) * interval;
    if (wait > Clock::duration::zero()) return wait;
    due_ = due + interval;
    return Clock::duration::zero();
  }

 private:
  int burst_;
  Clock::duration interval_;
  Clock::time_point due_{};
};

}  // namespace sextant::agent
