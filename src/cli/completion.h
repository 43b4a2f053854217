// What a shell offers for the word being typed, read off the command tree: commands, options, the
// values that an option admits, names that the agent knows.
//
// Flow: TAB -> the shell's script (completion_scripts.h) -> `sextant __complete -- WORDS` ->
// complete() -> lines. The scripts hold no list of anything.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sextant::cli {

struct Candidate {
  std::string value;
  std::string description = {};  // one line
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

enum class Files { kNone, kFiles, kDirectories };

struct Completion {
  std::vector<Candidate> candidates;
  Files files = Files::kNone;  // what the shell itself completes
};

/// Names of a kind that only the running system knows: "NODE", "MACHINE". `typed` are the options
/// given so far, by long name ("--socket").
using Names =
    std::function<std::vector<Candidate>(const std::string& kind, const std::string& command,
                                         const std::function<std::string(const char*)>& typed)>;

/// `words`: what follows the program's name up to the cursor; the last one is being typed and may
/// be empty.
[[nodiscard]] Completion complete(const CLI::App& program, std::vector<std::string> words,
                                  const Names& names);

/// The values of an option that admits a closed set: "table", "json", "yaml".
[[nodiscard]] std::vector<std::string> admitted_values(const std::string& type_name);

}  // namespace sextant::cli
