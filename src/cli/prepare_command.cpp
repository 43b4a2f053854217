// prepare: makes what an agent in a container without privileges cannot make.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/help.h"
#include "footprint/prepare.h"

namespace sextant::cli {

void add_prepare_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "prepare", "Make the gateway's network namespace, for an agent that may not");
  command->callback([] {
    const auto prepared = footprint::prepare_node();
    if (!prepared) {
      fmt::print(stderr, "sextant: {}\n", prepared.error().message());
      throw CLI::RuntimeError(1);
    }
    fmt::print("the gateway's network namespace '{}' {}\n", prepared->gateway,
               prepared->made ? "is made" : "is there already");
  });
  teach(*command,
        {.examples = {{"sextant prepare", "in the privileged init container of the DaemonSet"}},
         .exit_statuses = {{0, "it is there, and outlives this container"},
                           {1, "it cannot be made, or would go with this container"}},
         .read_on = {"docs/install.md    what each privilege is for",
                     "sextant uninstall  takes it away again"}});
}

}  // namespace sextant::cli
