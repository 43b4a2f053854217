// What the sessions of a speaker share. Private to this room.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>

#include "bgp/connection.h"

namespace sextant::bgp {

struct LoopContext {
  boost::asio::io_context& io;
  std::size_t send_queue;
  bool restarted = false;  // the process took over an earlier one's forwarding
  std::shared_ptr<ReadBuffer> buffer = std::make_shared<ReadBuffer>();
  std::mt19937 random{std::random_device{}()};

  /// RFC 4271 section 10: three quarters to all of it.
  template <typename Duration>
  [[nodiscard]] std::chrono::milliseconds jittered(Duration duration) {
    const auto full = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::chrono::milliseconds::rep>(full * 3 / 4, full)(random));
  }
};

}  // namespace sextant::bgp
