// Manual pages (man(7)) from the command tree and hand-written sections.
#pragma once

#include <string>
#include <vector>

#include "cli/help.h"

namespace CLI {
class App;
}

namespace sextant::cli {

struct ManPage {
  std::string name;  // "sextant"
  int number = 1;    // the manual's section
  std::string purpose;
  /// In front of what the tree says (SYNOPSIS, DESCRIPTION of a program without a tree) and behind
  /// it (FILES, SEE ALSO). Lines that begin with a blank are printed as they are.
  std::vector<Section> before = {};
  std::vector<Section> after = {};
};

/// `program`: none for a program that has no command line.
[[nodiscard]] std::string man_page(const ManPage& page, const CLI::App* program);

}  // namespace sextant::cli
