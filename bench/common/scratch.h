// A directory of a benchmark's own, removed with the object.
#pragma once

#include <filesystem>

namespace sextant::bench {

class ScratchDirectory {
 public:
  /// Below `parent`. Throws where there is no room for one.
  explicit ScratchDirectory(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sextant::bench
