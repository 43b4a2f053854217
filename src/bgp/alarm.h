// A timer whose call does not come any more once it was cancelled or set anew. Asio's own cannot
// promise that: when the time is up while the loop is busy, the call waits behind others, and is
// made whatever these do. Private to this room.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

namespace sextant::bgp {

class Alarm {
 public:
  explicit Alarm(boost::asio::io_context& io) : timer_(io) {}

  /// Instead of what was set before. `call` is not made after this Alarm's end either.
  template <typename Call>
  void set(std::chrono::milliseconds after, Call call) {
    set_ = std::make_shared<char>();
    timer_.expires_after(after);
    timer_.async_wait([set = std::weak_ptr<char>(set_),
                       call = std::move(call)](const boost::system::error_code&) {
      if (!set.expired()) call();
    });
  }
  void cancel() {
    set_.reset();
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  std::shared_ptr<char> set_;  // its address is the name of what is waited for
};

}  // namespace sextant::bgp
