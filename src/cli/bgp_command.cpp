// bgp peers, bgp rib: what the agent's BGP speaker knows.
#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <memory>

#include "cli/answer.h"
#include "cli/bgp_tables.h"
#include "cli/commands.h"
#include "cli/help.h"

namespace sextant::cli {
namespace {

struct Options : AnswerOptions {
  bool rejected = false;
};

std::shared_ptr<Options> add_options(CLI::App& command) {
  auto options = std::make_shared<Options>();
  add_answer_options(command, *options);
  return options;
}

void teach_command(CLI::App& command, std::vector<Example> examples) {
  teach(command, {.examples = std::move(examples),
                  .exit_statuses = {{0, "the agent answered"}, {1, "the agent did not answer"}},
                  .read_on = {"docs/reference-bgp.md    settings, and what is announced",
                              "docs/reference-api.md    the fields of -o json and yaml"}});
}

}  // namespace

void add_bgp_commands(CLI::App& app) {
  auto* group = app.add_subcommand("bgp", "The BGP speaker of this node: its peers and routes");
  group->require_subcommand(1);

  auto* peers = group->add_subcommand("peers", "The sessions: state, routes, and why one is down");
  auto options = add_options(*peers);
  peers->callback([options] { show_answer(*options, "/v1/bgp/peers", bgp_peers_table); });
  teach_command(*peers, {{"sextant bgp peers", "which sessions are up, and why others are not"}});

  auto* rib = group->add_subcommand("rib", "The routes of all peers and this node's own");
  options = add_options(*rib);
  rib->add_flag("--rejected", options->rejected, "The routes that were not taken, and why");
  rib->callback([options] {
    if (options->rejected)
      show_answer(*options, "/v1/bgp/rejected", bgp_rejected_table);
    else
      show_answer(*options, "/v1/bgp/routes", bgp_routes_table);
  });
  teach_command(*rib, {{"sextant bgp rib", "every path; * marks the best, s a stale one"},
                       {"sextant bgp rib --rejected", "what was malformed, looped or filtered"}});

  teach(*group, {.examples = {{"sextant bgp peers", "which sessions are up"},
                              {"sextant bgp rib --rejected", "which routes were not taken"}},
                 .read_on = {"docs/reference-bgp.md"}});
}

}  // namespace sextant::cli
