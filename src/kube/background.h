// A coroutine that runs beside its owner and ends with it. Private to this room.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "kube/task.h"

namespace sextant::kube {

class Background {
 public:
  Background() = default;
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs what `work` makes on `io`; `work` and what it holds live until that has ended. `what` is
  /// for the log, where it ends by an exception (a bug).
  void start(boost::asio::io_context& io, std::string what, std::function<Task<void>()> work);
  /// Ends it at the place where it waits, on the loop's next turns. Not from inside of it.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

[[nodiscard]] Task<void> sleep_for(std::chrono::milliseconds time);

}  // namespace sextant::kube
