#include "cli/plain_words.h"

#include <algorithm>

namespace sextant::cli {
namespace {

// No word that a person types begins with it.
constexpr char kQuote = '\x01';

}  // namespace

std::vector<std::string> quote_words(int argc, const char* const* argv) {
  std::vector<std::string> words(argv, argv + argc);
  const auto rest = std::ranges::find(words, "--");
  for (auto word = rest; word != words.end(); ++word) {
    if (word->starts_with('[')) word->insert(word->begin(), kQuote);
  }
  return words;
}

std::vector<std::string> plain_words(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word.starts_with(kQuote)) word.erase(0, 1);
  }
  return words;
}

}  // namespace sextant::cli
