#include "testbed/files.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace sextant::testbed {

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  // A leading dot: who watches the directory passes over hidden files.
  const std::filesystem::path passing = path.parent_path() / ("." + path.filename().string());
  {
    std::ofstream out(passing, std::ios::binary | std::ios::trunc);
    out << content;
    out.flush();
    if (!out) return system_error("write", passing.string(), errno);
  }
  std::error_code error;
  std::filesystem::rename(passing, path, error);
  if (error) return system_error("write", path.string(), error.value());
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return system_error("read", path.string(), errno);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return system_error("make directory", path.string(), error.value());
  return {};
}

}  // namespace sextant::testbed
