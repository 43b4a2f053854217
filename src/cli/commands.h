// The command groups of `sextant`. Each adds its subcommands to the program; program.cpp lists the
// groups.
//
// A subcommand's callback does the work. It prints its errors itself, on stderr, and throws
// CLI::RuntimeError(status) to end the program with that exit status. Each says in its footer what
// it is good for (help.h).
#pragma once

namespace CLI {
class App;
}

namespace sextant::cli {

/// status, sids, policies, routes, nodes: what the agent of this node says over its socket.
void add_agent_commands(CLI::App& app);

/// bgp peers, bgp rib.
void add_bgp_commands(CLI::App& app);

/// pi create, list, show, edit, delete, replace, watch.
void add_pi_commands(CLI::App& app);

/// doctor.
void add_doctor_command(CLI::App& app);

/// prepare, uninstall: what comes onto a node, and goes.
void add_prepare_command(CLI::App& app);
void add_uninstall_command(CLI::App& app);

/// completion, man, help: what the other commands say about themselves.
void add_shell_commands(CLI::App& app);

}  // namespace sextant::cli
