// Words that go to another program as they are: those after "--".
//
// CLI11 takes a word like `[{"op": "remove"}]` for a list in brackets and splits it. So words after
// "--" are quoted before parsing, and unquoted by the command that passes them on.
#pragma once

#include <string>
#include <vector>

namespace sextant::cli {

/// argv, with the words after "--" quoted where CLI11 would take them apart.
[[nodiscard]] std::vector<std::string> quote_words(int argc, const char* const* argv);

[[nodiscard]] std::vector<std::string> plain_words(std::vector<std::string> words);

}  // namespace sextant::cli
