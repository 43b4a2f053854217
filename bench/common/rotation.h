// Who goes first: paired measurements are taken in turn, A B C, B C A, C A B, so that a machine
// that warms up or slows down does so for all of them.
#pragma once

#include <algorithm>
#include <vector>

namespace sextant::bench {

template <typename T>
[[nodiscard]] std::vector<T> rotated(std::vector<T> all, int run) {
  if (all.empty()) return all;
  const auto start = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(run) % all.size());
  std::ranges::rotate(all, all.begin() + start);
  return all;
}

}  // namespace sextant::bench
