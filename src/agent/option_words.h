// Options of a command line whose value is one of a few words.
#pragma once

#include <CLI/Validators.hpp>
#include <map>
#include <string>

namespace sextant::agent {

/// Takes the words, each for its value, and says of another which there are: CLI11's own
/// Transformer lets that one through, to end as "Could not convert". `listed`: the words as help
/// shows them, "{full,reduced}".
template <typename T>
[[nodiscard]] CLI::Validator one_of(const std::map<std::string, T>& words,
                                    const std::string& listed) {
  return {[words, listed, transform = CLI::Transformer(words)](std::string& word) {
            if (!words.contains(word)) return "'" + word + "' is not one of " + listed;
            return transform(word);
          },
          listed};
}

}  // namespace sextant::agent
