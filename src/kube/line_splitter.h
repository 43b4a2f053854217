// Cuts a watch's stream into lines, with bounded memory. Private to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::kube {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t limit) : limit_(limit) {}

  /// Calls `on_line` for each line that is complete now, without its end; empty lines are passed
  /// over. False: a line is longer than the limit, or `on_line` said so; the rest is dropped.
  template <typename OnLine>
  [[nodiscard]] bool add(std::string_view piece, OnLine&& on_line) {
    while (!piece.empty()) {
      const auto end = piece.find('\n');
      const auto size = std::min(end, piece.size());
      if (rest_.size() + size > limit_) return false;
      const bool whole = rest_.empty();
      if (!whole || end == std::string_view::npos) rest_.append(piece, 0, size);
      if (end == std::string_view::npos) return true;
      const auto line = whole ? piece.substr(0, end) : std::string_view(rest_);
      const bool more = line.empty() || on_line(line);
      if (!whole) {
        rest_.clear();
        if (rest_.capacity() > kKept) rest_.shrink_to_fit();
      }
      if (!more) return false;
      piece.remove_prefix(end + 1);
    }
    return true;
  }

 private:
  static constexpr std::size_t kKept = 65536;  // capacity: large objects are rare
  std::size_t limit_;
  std::string rest_;
};

}  // namespace sextant::kube
