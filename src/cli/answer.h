// What commands have in common that show one answer of the agent: -o, --socket, and the printing.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "agent/defaults.h"

namespace CLI {
class App;
}

namespace sextant::cli {

struct AnswerOptions {
  std::string socket = std::string(agent::kDefaultSocket);
  std::string output = "table";
};

/// `options` must outlive the command.
void add_answer_options(CLI::App& command, AnswerOptions& options);

/// Asks for `target` and prints the answer, `table` for people; ends the command where that fails.
void show_answer(const AnswerOptions& options, const std::string& target,
                 std::string (*table)(const boost::json::value&));

}  // namespace sextant::cli
