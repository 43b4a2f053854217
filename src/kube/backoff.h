// Growing delays with jitter, so that many clients that lost the same server do not come back as
// one. Private to this room.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace sextant::kube {

class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;
  using Random = std::mt19937_64;

  Backoff(Milliseconds first, Milliseconds longest,
          Random::result_type seed = std::random_device{}())
      : first_(first), longest_(longest), delay_(first), random_(seed) {}

  /// Between half of the delay and all of it; the next one is twice as long.
  [[nodiscard]] Milliseconds next() {
    const auto delay = between(delay_ / 2, delay_);
    delay_ = std::min(delay_ * 2, longest_);
    return delay;
  }
  void reset() { delay_ = first_; }
  /// Evenly distributed.
  [[nodiscard]] Milliseconds between(Milliseconds low, Milliseconds high) {
    return Milliseconds(
        std::uniform_int_distribution<Milliseconds::rep>(low.count(), high.count())(random_));
  }

 private:
  Milliseconds first_, longest_, delay_;
  Random random_;
};

}  // namespace sextant::kube
