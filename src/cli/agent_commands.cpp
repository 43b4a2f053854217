// status, sids, policies, routes, nodes: each asks the agent of this node for one path of its API
// and shows the answer.
#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <iostream>
#include <memory>

#include "agent/defaults.h"
#include "agent/http_client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/tables.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

struct AgentCommand {
  const char* name;
  const char* description;
  std::string (*table)(const json::value&);
};

constexpr AgentCommand kCommands[] = {
    {"status", "Health, data plane, own addresses, and every problem with its reason",
     status_table},
    {"sids", "The node's local SIDs: behavior, target, and how many packets took each", sids_table},
    {"policies", "The SR policies of this headend and the state of their candidate paths",
     policies_table},
    {"routes", "The overlay's routes and the segment lists that each takes", routes_table},
    {"nodes", "All nodes and routers that the agent knows", nodes_table},
};

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
  for (const auto& command : kCommands) {
    auto* subcommand = app.add_subcommand(command.name, command.description);
    auto options = std::make_shared<Options>();
    subcommand->add_option("-o,--output", options->output, "How to print: table, json or yaml")
        ->check(CLI::IsMember({"table", "json", "yaml"}))
        ->capture_default_str();
    subcommand->add_option("--socket", options->socket, "The agent's Unix socket")
        ->envname("SEXTANT_SOCKET")
        ->capture_default_str();
    subcommand->callback([&command, options] { run(command, *options); });
  }
}

}  // namespace sextant::cli
