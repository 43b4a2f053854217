// `--help` that fits a terminal: CLI11 writes each option's text as one line, however long.
#pragma once

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>

namespace sextant::agent {

/// Broken at blanks into lines of at most `width` bytes; a longer word stands alone.
[[nodiscard]] inline std::string wrapped(const std::string& text, std::size_t width) {
  std::string lines;
  std::size_t used = 0;
  std::istringstream words(text);
  for (std::string word; words >> word; used += word.size()) {
    if (used > 0 && used + 1 + word.size() > width) {
      lines += '\n';
      used = 0;
    } else if (used > 0) {
      lines += ' ';
      ++used;
    }
    lines += word;
  }
  return lines;
}

/// Subcommands that are added afterwards take it over.
class HelpFormat final : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    constexpr std::size_t kColumns = 100;
    return wrapped(option->get_description(), kColumns - get_column_width());
  }
};

}  // namespace sextant::agent
