#include "cli/testbed_progress.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>

namespace sextant::cli {

testbed::Progress testbed_progress() {
  const auto start = std::chrono::steady_clock::now();
  return [start](std::string_view step) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    fmt::print("[{:5.1f} s] {}\n", elapsed.count(), step);
    std::fflush(stdout);
  };
}

}  // namespace sextant::cli
