#include "session/virtual_clock.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace {

using Clock = std::chrono::steady_clock;

constexpr Clock::time_point kBeginning{std::chrono::hours(1000)};
Clock::time_point the_time = kBeginning;

}  // namespace

Clock::time_point Clock::now() noexcept { return the_time; }

namespace sextant::fuzz {

void reset_clock() { the_time = kBeginning; }

void advance(boost::asio::io_context& io, std::chrono::milliseconds time) {
  the_time += time;
  // A timer that is first of all has Asio look at the clock again.
  const auto first = std::make_shared<boost::asio::steady_timer>(io, Clock::time_point{});
  first->async_wait([first](boost::system::error_code) {});
}

}  // namespace sextant::fuzz
