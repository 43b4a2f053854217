// Who is asked by `sextant pi`: the injector daemon, or a GoBGP daemon.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "injector/backend.h"

namespace sextant::cli {

struct PiTarget {
  std::string socket;
  std::string host;  // empty: the injector's own daemon
  std::uint16_t port = 50051;
  injector::Convention convention = injector::Convention::kStandard;
};

/// --socket, and of GoBGP -u, -p and --convention.
[[nodiscard]] std::shared_ptr<PiTarget> add_target_options(CLI::App& command);

/// Ends the program where nobody can be asked.
[[nodiscard]] std::unique_ptr<injector::Backend> connect(const PiTarget& target);

}  // namespace sextant::cli
