#include "kubernetes/background.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>

namespace sextant::bench {

using Clock = std::chrono::steady_clock;

struct Background::State {
  std::mutex guard;
  std::condition_variable_any changed;
  std::exception_ptr failed;
  Clock::duration late{};
};

Background::Background(const ApiAccess& access, double rate,
                       std::function<void(Api&, std::size_t)> each)
    : state_(std::make_unique<State>()) {
  thread_ = std::jthread([this, access, rate, each = std::move(each)](const std::stop_token& stop) {
    try {
      Api api(access);
      const auto begun = Clock::now();
      for (std::size_t number = 0; !stop.stop_requested(); ++number) {
        const auto due =
            begun + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(number) / rate));
        std::unique_lock lock(state_->guard);
        state_->late = Clock::now() - due;
        state_->changed.wait_until(lock, stop, due, [] { return false; });
        lock.unlock();
        if (!stop.stop_requested()) each(api, number);
      }
    } catch (...) {
      const std::lock_guard lock(state_->guard);
      state_->failed = std::current_exception();
    }
  });
}

Background::~Background() = default;

void Background::check() const {
  constexpr std::chrono::seconds kTooLate{5};
  const std::lock_guard lock(state_->guard);
  if (state_->failed) std::rethrow_exception(state_->failed);
  if (state_->late > kTooLate) throw std::runtime_error("the load cannot keep its pace");
}

}  // namespace sextant::bench
