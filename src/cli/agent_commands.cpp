// status, sids, policies, routes, nodes: each asks the agent of this node for one path of its API
// and shows the answer.
#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/tables.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

struct AgentCommand {
  const char* name;
  const char* description;
  std::string (*table)(const json::value&);
  std::vector<Example> examples;
};

const std::vector<AgentCommand>& commands() {
  static const std::vector<AgentCommand> kCommands{
      {"status",
       "Health, data plane, own addresses, and every problem with its reason",
       status_table,
       {{"sextant status", "is this node healthy, and if not, why"},
        {"sextant status -o json | jq -e .healthy", "the same for a script"}}},
      {"sids",
       "The node's local SIDs: behavior, target, and how many packets took each",
       sids_table,
       {{"sextant sids", "what other nodes may address, and whether they do"},
        {"watch -d sextant sids", "which SIDs take packets now"}}},
      {"policies",
       "The SR policies of this headend and the state of their candidate paths",
       policies_table,
       {{"sextant policies", "a line a candidate path; why one is not active"},
        {"sextant policies -o yaml", "with every field of RFC 9256"}}},
      {"routes",
       "The overlay's routes and the segment lists that each takes",
       routes_table,
       {{"sextant routes", "which path each prefix takes"},
        {"sextant routes | grep 172.16.2.", "one node's pods"}}},
      {"nodes",
       "All nodes and routers that the agent knows",
       nodes_table,
       {{"sextant nodes", "locators, End SIDs, addresses, pod prefixes"},
        {"sextant nodes -o json | jq -r '.items[].name'", "the names alone"}}},
  };
  return kCommands;
}

}  // namespace

void add_agent_commands(CLI::App& app) {
  for (const auto& command : commands()) {
    auto* subcommand = app.add_subcommand(command.name, command.description);
    auto options = std::make_shared<AnswerOptions>();
    add_answer_options(*subcommand, *options);
    subcommand->callback([&command, options] {
      show_answer(*options, std::string("/v1/") + command.name, command.table);
    });
    teach(*subcommand,
          {.examples = command.examples,
           .exit_statuses = {{0, "the agent answered"}, {1, "the agent did not answer"}},
           .read_on = {"docs/reference-api.md    the fields of -o json and yaml",
                       "docs/reference-cli.md    what the columns mean"}});
  }
}

}  // namespace sextant::cli
