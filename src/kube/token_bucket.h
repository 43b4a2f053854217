// A token bucket: a burst, then one in an interval. Private to this room.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sextant::kube {

class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;
  struct Rate {
    unsigned burst;
    std::chrono::milliseconds refill;  // for one token; not zero
  };

  TokenBucket(const Rate& rate, Clock::time_point now)
      : rate_(rate), tokens_(rate.burst), counted_(now) {}

  [[nodiscard]] bool take(Clock::time_point now) {
    count(now);
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }
  [[nodiscard]] bool is_full(Clock::time_point now) {
    count(now);
    return tokens_ == rate_.burst;
  }

 private:
  void count(Clock::time_point now) {
    const std::int64_t fresh = (now - counted_) / rate_.refill;
    counted_ += fresh * rate_.refill;
    tokens_ = static_cast<unsigned>(std::min<std::int64_t>(rate_.burst, tokens_ + fresh));
  }

  Rate rate_;
  unsigned tokens_;
  Clock::time_point counted_;  // up to when `tokens_` is right
};

}  // namespace sextant::kube
