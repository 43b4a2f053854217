// A response whose body comes in the course of time. Either of events, for whoever watches: the
// handler keeps one end and pushes; the server sends what waits, as fast as the client takes it. Or
// of what is too large to be made at once: the server asks for each piece when the client has taken
// the one before, and the loop serves others in between.
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
  /// `next` gives the next piece; an empty one is the end.
  explicit HttpStream(std::function<std::string()> next) : limit_(0), next_(std::move(next)) {}

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
  /// Whether it is made of pieces that are asked for.
  [[nodiscard]] bool on_demand() const { return next_ != nullptr; }
  [[nodiscard]] std::string take() {
    if (!next_) return std::exchange(waiting_, {});
    auto piece = next_();
    ended_ = piece.empty();
    return piece;
  }
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
  std::function<std::string()> next_;
  std::function<void()> ready_;
  bool ended_ = false;
  bool gone_ = false;
};

}  // namespace sextant::agent
