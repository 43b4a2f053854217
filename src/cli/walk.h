// Where on the command tree a command line stands, without running it: for suggestions, for the
// help of a group without a command, and for completion.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sextant::cli {

struct Position {
  const CLI::App* command = nullptr;  // the deepest one named
  std::string path;                   // "sextant testbed full"
  std::size_t positionals = 0;        // words already given to it
  /// The option whose value the next word is.
  const CLI::Option* value_of = nullptr;
  std::map<const CLI::Option*, std::string> values;  // of options so far
  /// A word where only a command can stand, and none is called so.
  std::optional<std::string> unknown;
  /// An option that is none of `command`'s own, the first such.
  std::optional<std::string> unknown_option;
  bool after_dashes = false;  // "--" has been: everything more is positional
  bool wants_help = false;    // --help, -h, --version
};

/// `words`: what follows the program's name.
[[nodiscard]] Position walk(const CLI::App& program, const std::vector<std::string>& words);

/// Commands that are for people (hidden ones are not), in the order in which help lists them.
[[nodiscard]] std::vector<const CLI::App*> visible_commands(const CLI::App& app);

/// Those of `names` that are near to what was typed, nearest first, at most three.
[[nodiscard]] std::vector<std::string> suggestions(const std::string& typed,
                                                   const std::vector<std::string>& names);

}  // namespace sextant::cli
