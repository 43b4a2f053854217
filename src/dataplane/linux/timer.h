// A one-shot timer as a descriptor, on the monotonic clock.
#pragma once

#include <sys/timerfd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::dataplane {

class Timer {
 public:
  Timer() = default;
  [[nodiscard]] static Result<Timer> make() {
    UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) return system_error("make a timer", "", errno);
    return Timer(std::move(fd));
  }

  /// Readable when it expires.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Starts it, anew where it runs.
  void start(std::chrono::seconds delay) {
    const itimerspec when{.it_interval = {}, .it_value = {.tv_sec = delay.count(), .tv_nsec = 0}};
    ::timerfd_settime(fd_.get(), 0, &when, nullptr);  // fails only for bad arguments
  }
  /// Whether it has expired since the last call.
  [[nodiscard]] bool expired() {
    std::uint64_t times = 0;
    return ::read(fd_.get(), &times, sizeof times) == sizeof times;
  }

 private:
  explicit Timer(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sextant::dataplane
