// The command groups of `sextant`. Each adds its subcommands to the program; main only lists the
// groups.
//
// A subcommand's callback does the work. It prints its errors itself, on stderr, and throws
// CLI::RuntimeError(status) to end the program with that exit status.
#pragma once

namespace CLI {
class App;
}

namespace sextant::cli {

/// status, sids, policies, routes, nodes: what the agent of this node says over its socket.
void add_agent_commands(CLI::App& app);

}  // namespace sextant::cli
