// When to try again, and how often to repair: pure arithmetic on the monotonic clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

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

/// How fast damage is repaired: a burst at once, then one in an interval, which doubles as long as
/// there is always more to repair (somebody else wants the same objects another way), and halves
/// again when not.
class RepairPace {
 public:
  struct Limits {
    int burst;
    Clock::duration shortest, longest;  // intervals
    Clock::duration quiet;              // without a repair for so long, all is forgotten
  };
  explicit RepairPace(const Limits& limits) : limits_(limits) { calm_down(); }

  /// Zero: go ahead, and it is counted. Otherwise the time after which to ask again. `cost` is what
  /// one repair takes: the interval is never below it.
  [[nodiscard]] Clock::duration take(Clock::time_point now, Clock::duration cost) {
    if (last_ && now - *last_ >= limits_.quiet) calm_down();
    if (left_ > 0) {
      --left_;
      last_ = now;
      return Clock::duration::zero();
    }
    const auto due = *last_ + std::max(interval_, cost);
    if (now < due) {
      waited_ = true;
      return due - now;
    }
    interval_ = waited_ ? std::min(2 * interval_, limits_.longest)
                        : std::max(interval_ / 2, limits_.shortest);
    waited_ = false;
    last_ = now;
    return Clock::duration::zero();
  }
  /// Whether the burst is used up.
  [[nodiscard]] bool is_storm() const { return left_ == 0; }

 private:
  void calm_down() {
    left_ = limits_.burst;
    interval_ = limits_.shortest;
    waited_ = false;
  }

  Limits limits_;
  int left_ = 0;
  Clock::duration interval_{};
  bool waited_ = false;
  std::optional<Clock::time_point> last_;
};

}  // namespace sextant::agent
