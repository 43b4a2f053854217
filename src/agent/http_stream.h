// A response whose body comes in the course of time: events for whoever watches. The handler keeps
// one end and pushes; the server sends what waits, as fast as the client takes it.
//
// One thread, the loop's. A client that takes nothing while more than `limit` bytes wait is given
// up: it has missed something, and is told so by the end of the connection.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sextant::agent {

class HttpStream {
 public:
  explicit HttpStream(std::size_t limit = 64U << 20U) : limit_(limit) {}

  // ---- For the handler
  void push(std::string_view data) {
    if (gone_) return;
    waiting_ += data;
    if (waiting_.size() > limit_) gone_ = true;
    wake();
  }
  void end() {
    ended_ = true;
    wake();
  }
  /// Nobody listens any more.
  [[nodiscard]] bool gone() const { return gone_; }

  // ---- For the server
  [[nodiscard]] std::string take() { return std::exchange(waiting_, {}); }
  [[nodiscard]] bool ended() const { return ended_; }
  void on_ready(std::function<void()> ready) { ready_ = std::move(ready); }
  void leave() {
    gone_ = true;
    wake();
  }

 private:
  void wake() const {
    if (ready_) ready_();
  }

  std::size_t limit_;
  std::string waiting_;
  std::function<void()> ready_;
  bool ended_ = false;
  bool gone_ = false;
};

}  // namespace sextant::agent
