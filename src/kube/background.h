// A coroutine that runs beside its owner and ends with it. Private to this room.
//
// One that ends by an exception (a bug, or no memory) is begun again after a growing, jittered
// delay: an agent that stays deaf to one kind of objects, or never leads again, would be worse than
// the bug. What the work keeps between its beginnings must stand that.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "kube/task.h"

namespace sextant::kube {

class Background {
 public:
  struct Delays {
    std::chrono::milliseconds first = std::chrono::seconds(1);
    std::chrono::milliseconds longest = std::chrono::seconds(60);
  };

  Background() = default;
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs what `work` makes on `io`, until that returns; `work` and what it holds live until then.
  /// `what` is for the log, where it ends by an exception.
  void start(boost::asio::io_context& io, std::string what, std::function<Task<void>()> work);
  void start(boost::asio::io_context& io, std::string what, std::function<Task<void>()> work,
             Delays delays);
  /// Ends it at the place where it waits, on the loop's next turns. Not from inside of it.
  void stop();

 private:
  struct State;
  [[nodiscard]] static Task<void> run(std::shared_ptr<State> state, std::string what,
                                      std::function<Task<void>()> work, Delays delays);
  std::shared_ptr<State> state_;
};

[[nodiscard]] Task<void> sleep_for(std::chrono::milliseconds time);

}  // namespace sextant::kube
