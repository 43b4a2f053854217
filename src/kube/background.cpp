#include "kube/background.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "kube/backoff.h"

namespace sextant::kube {

namespace asio = boost::asio;

struct Background::State {
  asio::cancellation_signal signal;
  bool stopped = false;
};

/// Holds `work` in its frame, and not in the state: what the work holds may hold the Background.
Task<void> Background::run(std::shared_ptr<State> state, std::string what,
                           std::function<Task<void>()> work, Delays delays) {
  Backoff backoff(delays.first, delays.longest);
  while (true) {
    try {
      auto task = work();
      co_await std::move(task);
      co_return;
    } catch (const std::exception& error) {
      if (state->stopped) co_return;  // it ended by the exception of that
      log::error("{} failed, and is begun again: {}", what, error.what());
    }
    co_await sleep_for(backoff.next());
  }
}

void Background::start(asio::io_context& io, std::string what, std::function<Task<void>()> work) {
  start(io, std::move(what), std::move(work), Delays());
}

void Background::start(asio::io_context& io, std::string what, std::function<Task<void>()> work,
                       Delays delays) {
  stop();
  state_ = std::make_shared<State>();
  auto done = [state = state_](const std::exception_ptr& exception) {
    if (exception && !state->stopped) std::rethrow_exception(exception);
  };
  auto task = run(state_, std::move(what), std::move(work), delays);
  asio::co_spawn(io, std::move(task),
                 asio::bind_cancellation_slot(state_->signal.slot(), std::move(done)));
}

void Background::stop() {
  if (!state_ || state_->stopped) return;
  state_->stopped = true;
  state_->signal.emit(asio::cancellation_type::terminal);
}

Task<void> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace sextant::kube
