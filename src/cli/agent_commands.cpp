// status, sids, policies, routes, nodes: each asks the agent of this node for one path of its API
// and shows the answer.
#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "agent/defaults.h"
#include "agent/http_client.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
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

struct Options {
  std::string socket = std::string(agent::kDefaultSocket);
  std::string output = "table";
};

constexpr std::chrono::seconds kTimeout{30};  // a data plane at work holds the agent's only thread

[[noreturn]] void fail(const std::string& message) {
  std::cerr << "sextant: " << message << '\n';
  throw CLI::RuntimeError(1);
}

void run(const AgentCommand& command, const Options& options) {
  const auto reply = agent::http_get(options.socket, std::string("/v1/") + command.name, kTimeout);
  if (!reply) fail(reply.error().message());
  json::error_code error;
  const auto answer = json::parse(reply->body, error);
  if (error) fail("the agent's answer is no JSON: " + error.message());
  if (reply->status != 200) {
    const auto* object = answer.if_object();
    const auto* reason = object == nullptr ? nullptr : object->if_contains("error");
    fail("the agent answered " + std::to_string(reply->status) + ": " +
         (reason != nullptr && reason->is_string() ? std::string(reason->get_string())
                                                   : reply->body));
  }
  if (options.output == "json")
    std::cout << indented_json(answer);
  else if (options.output == "yaml")
    std::cout << yaml(answer);
  else
    std::cout << command.table(answer);
  if (!std::cout.flush()) fail("write to standard output failed");
}

}  // namespace

void add_agent_commands(CLI::App& app) {
  for (const auto& command : commands()) {
    auto* subcommand = app.add_subcommand(command.name, command.description);
    auto options = std::make_shared<Options>();
    subcommand->add_option("-o,--output", options->output, "How to print: table, json or yaml")
        ->check(CLI::IsMember({"table", "json", "yaml"}))
        ->capture_default_str();
    subcommand->add_option("--socket", options->socket, "The agent's Unix socket")
        ->type_name("PATH")
        ->envname("SEXTANT_SOCKET")
        ->capture_default_str();
    subcommand->callback([&command, options] { run(command, *options); });
    teach(*subcommand,
          {.examples = command.examples,
           .exit_statuses = {{0, "the agent answered"}, {1, "the agent did not answer"}},
           .read_on = {"docs/reference-api.md    the fields of -o json and yaml",
                       "docs/reference-cli.md    what the columns mean"}});
  }
}

}  // namespace sextant::cli
