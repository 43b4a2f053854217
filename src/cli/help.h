// What `--help` says below the options: examples, exit statuses, where to read on.
//
// It is the command's footer in CLI11's tree, as text with fixed headings, so that the same words
// make the help and the manual page (man.h).
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sextant::cli {

struct Example {
  std::string command;  // as typed
  std::string shows;    // what for
};

struct ExitStatus {
  int status = 0;
  std::string meaning;
};

struct Teaching {
  std::vector<Example> examples;
  std::vector<ExitStatus> exit_statuses;  // empty: 0, 1 and 2 as everywhere
  std::vector<std::string> read_on;       // commands, pages of docs/
};

/// Sets the footer of `command`.
void teach(CLI::App& command, const Teaching& teaching);

/// A footer taken apart again: headings end with a colon at the start of a line.
struct Section {
  std::string heading;  // without the colon; empty for text before the first one
  std::vector<std::string> lines;
};
[[nodiscard]] std::vector<Section> sections(const std::string& footer);

}  // namespace sextant::cli
