#include "cli/help.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <sstream>

namespace sextant::cli {

void teach(CLI::App& command, const Teaching& teaching) {
  std::string text;
  if (!teaching.examples.empty()) {
    std::size_t width = 0;
    for (const auto& example : teaching.examples) width = std::max(width, example.command.size());
    text += "Examples:\n";
    for (const auto& example : teaching.examples) {
      text += "  " + example.command;
      if (!example.shows.empty())
        text += std::string(width - example.command.size() + 2, ' ') + example.shows;
      text += '\n';
    }
    text += '\n';
  }
  text += "Exit status:\n";
  auto statuses = teaching.exit_statuses;
  if (statuses.empty()) {
    statuses = {{0, "done"}, {1, "failed; standard error says what, why, and what to do"}};
  }
  statuses.push_back({2, "a wrong command line"});
  for (const auto& [status, meaning] : statuses)
    text += "  " + std::to_string(status) + "  " + meaning + '\n';
  if (!teaching.read_on.empty()) {
    text += "\nRead on:\n";
    for (const auto& line : teaching.read_on) text += "  " + line + '\n';
  }
  text.pop_back();  // CLI11 ends the footer's line
  command.footer(text);
}

std::vector<Section> sections(const std::string& footer) {
  std::vector<Section> found;
  std::istringstream stream(footer);
  for (std::string line; std::getline(stream, line);) {
    const bool heading = !line.empty() && line.front() != ' ' && line.back() == ':';
    if (heading) {
      found.push_back({.heading = line.substr(0, line.size() - 1), .lines = {}});
      continue;
    }
    if (found.empty()) {
      if (line.empty()) continue;
      found.push_back({});
    }
    found.back().lines.push_back(line);
  }
  for (auto& section : found) {
    while (!section.lines.empty() && section.lines.back().empty()) section.lines.pop_back();
  }
  return found;
}

}  // namespace sextant::cli
