#include "cli/answer.h"

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <iostream>

#include "cli/agent_query.h"
#include "cli/failure.h"
#include "cli/output.h"

namespace sextant::cli {

void add_answer_options(CLI::App& command, AnswerOptions& options) {
  command.add_option("-o,--output", options.output, "How to print: table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  command.add_option("--socket", options.socket, "The agent's Unix socket")
      ->type_name("PATH")
      ->envname("SEXTANT_SOCKET")
      ->capture_default_str();
}

void show_answer(const AnswerOptions& options, const std::string& target,
                 std::string (*table)(const boost::json::value&)) {
  const auto answer = value_or_fail(ask_agent(options.socket, target));
  std::cout << (options.output == "json"   ? indented_json(answer)
                : options.output == "yaml" ? yaml(answer)
                                           : table(answer));
  if (!std::cout.flush())
    fail({.operation = "write to", .object = "standard output", .cause = "it is closed or full"});
}

}  // namespace sextant::cli
