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

namespace sextant::kube {

namespace asio = boost::asio;

struct Background::State {
  asio::cancellation_signal signal;
  bool stopped = false;
};

void Background::start(asio::io_context& io, std::string what, std::function<Task<void>()> work) {
  stop();
  state_ = std::make_shared<State>();
  auto done = [state = state_, what = std::move(what)](const std::exception_ptr& exception) {
    if (!exception || state->stopped) return;  // stopped: it ended by the exception of that
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      log::error("{} ended: {}", what, error.what());
    }
  };
  asio::co_spawn(io, std::move(work),
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
