#include "common/scratch.h"

#include <stdlib.h>

#include <stdexcept>
#include <string>
#include <system_error>

namespace sextant::bench {

ScratchDirectory::ScratchDirectory(const std::filesystem::path& parent) {
  std::string pattern = (parent / "sx-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot make a directory like " + pattern);
  }
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // nobody could do anything about it
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sextant::bench
