// The program `sextant`: its command tree, and what happens to a command line.
#pragma once

#include <memory>

namespace CLI {
class App;
}

namespace sextant::cli {

struct DeleteApp {
  void operator()(CLI::App* app) const;
};
using Program = std::unique_ptr<CLI::App, DeleteApp>;

/// The whole tree, with nothing parsed.
[[nodiscard]] Program make_program();

/// Exit status: the command's own, or 2 for a wrong command line. A group without a command (also
/// `sextant` alone) is a wrong one: its help goes to standard error.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace sextant::cli
