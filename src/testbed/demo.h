// The demonstration: pods talk across the full testbed through SRv6 while an edited policy moves
// their traffic to another path. Every claim it makes is read from captured packets.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::testbed {

struct DemoOptions {
  std::string name = "demo";  // of its own testbed; one that is there is taken down first
  std::filesystem::path picture = "out/demo.svg";
  std::filesystem::path programs =
      {};  // where sextantd and sextant-cni lie; empty: beside this one
  std::function<void(std::string_view line)> print;
};

/// Takes its testbed down whatever happens, also on SIGINT and SIGTERM. The Error's operation names
/// the step that failed.
[[nodiscard]] Result<void> run_demo(const DemoOptions& options);

}  // namespace sextant::testbed
