// Wakes one coroutine. Rung before somebody waits, it is heard at the next wait; rung several
// times, once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

namespace sextant::kubernetes {

using Clock = std::chrono::steady_clock;

class Bell {
 public:
  explicit Bell(boost::asio::io_context& io) : timer_(io) {}

  void ring() {
    rung_ = true;
    timer_.cancel();
  }
  boost::asio::awaitable<void> wait() { return wait_until(Clock::time_point::max()); }
  /// Until rung, or that time.
  boost::asio::awaitable<void> wait_until(Clock::time_point time) {
    if (!rung_) {
      boost::system::error_code cancelled;
      timer_.expires_at(time);
      co_await timer_.async_wait(
          boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    }
    rung_ = false;
  }

 private:
  boost::asio::steady_timer timer_;
  bool rung_ = false;
};

/// The end of a coroutine that never ends but by a bug: it ends the loop too.
inline void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

inline boost::asio::awaitable<void> pause_for(boost::asio::io_context& io,
                                              std::chrono::milliseconds delay) {
  boost::asio::steady_timer timer(io, delay);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace sextant::kubernetes
