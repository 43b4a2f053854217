#include "cli/walk.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <numeric>

namespace sextant::cli {
namespace {

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  for (const auto* command : app.get_subcommands(nullptr))
    if (command->get_name() == name) return command;
  return nullptr;
}

bool takes_positionals(const CLI::App& app) {
  const auto options = app.get_options();
  return std::any_of(options.begin(), options.end(),
                     [](const CLI::Option* option) { return option->get_positional(); });
}

// Levenshtein's distance, with two neighbors exchanged as one edit.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  std::iota(cost[0].begin(), cost[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

void take_option(Position& at, const std::string& word) {
  if (word == "--help" || word == "-h" || word == "--version") {
    at.wants_help = true;
    return;
  }
  const auto equals = word.find('=');
  const auto name = word.substr(0, equals);
  const auto* option = at.command->get_option_no_throw(name);
  if (option == nullptr && !at.unknown_option) at.unknown_option = name;
  if (option == nullptr || option->get_items_expected_max() == 0) return;
  if (equals != std::string::npos) {
    at.values[option] = word.substr(equals + 1);
  } else {
    at.value_of = option;
  }
}

}  // namespace

Position walk(const CLI::App& program, const std::vector<std::string>& words) {
  Position at{.command = &program, .path = program.get_name()};
  for (const auto& word : words) {
    if (at.value_of != nullptr) {
      at.values[at.value_of] = word;
      at.value_of = nullptr;
    } else if (at.after_dashes) {
      ++at.positionals;
    } else if (word == "--") {
      at.after_dashes = true;
    } else if (word.size() > 1 && word.front() == '-') {
      take_option(at, word);
    } else if (const auto* command = command_named(*at.command, word)) {
      at.command = command;
      at.path += " " + word;
      at.positionals = 0;
    } else if (takes_positionals(*at.command)) {
      ++at.positionals;
    } else {
      at.unknown = word;
      return at;
    }
  }
  return at;
}

std::vector<const CLI::App*> visible_commands(const CLI::App& app) {
  auto commands = app.get_subcommands(nullptr);
  std::erase_if(commands, [](const CLI::App* command) { return command->get_group().empty(); });
  return commands;
}

std::vector<std::string> suggestions(const std::string& typed,
                                     const std::vector<std::string>& names) {
  const std::size_t tolerated = std::max<std::size_t>(1, typed.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const auto& name : names) {
    const bool begins = typed.size() >= 2 && name.starts_with(typed);
    const auto edits = begins ? 0 : distance(typed, name);
    if (edits <= tolerated) near.emplace_back(edits, name);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > 3) near.resize(3);
  std::vector<std::string> found;
  for (auto& [edits, name] : near) found.push_back(std::move(name));
  return found;
}

}  // namespace sextant::cli
