// What the agent's unit tests share.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace sextant::agent {

/// A folder of the test's own, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "sextant-agent-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes beside the file and renames: a reader sees the old text or the new one.
inline void write_file(const std::filesystem::path& path, const std::string& text) {
  const auto beside = path.parent_path() / ("." + path.filename().string() + ".new");
  std::ofstream(beside) << text;
  std::filesystem::rename(beside, path);
}

}  // namespace sextant::agent
