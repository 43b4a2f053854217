// `sextant`: wires the command groups to the command line.
#include <CLI/CLI.hpp>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/testbed_commands.h"

int main(int argc, char** argv) {
  CLI::App app{
      "Sextant gives Kubernetes an SRv6 overlay network.\n"
      "These commands show what the agent (sextantd) of this node knows and does.\n",
      "sextant"};
  app.set_version_flag("--version", "sextant " + std::string(sextant::version()));
  app.require_subcommand(1);
  app.fallthrough(false);
  sextant::cli::add_agent_commands(app);
  sextant::cli::add_testbed_commands(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
