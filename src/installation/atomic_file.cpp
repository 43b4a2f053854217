#include "installation/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace sextant::installation {
namespace {

namespace fs = std::filesystem;

constexpr auto kOperation = "write";

std::optional<std::string> read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (file.bad()) return std::nullopt;
  return text;
}

bool is_like_that(const fs::path& path, std::string_view contents, mode_t mode) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & 07777) != mode ||
      static_cast<std::size_t>(status.st_size) != contents.size())
    return false;
  const auto present = read(path);
  return present && *present == contents;
}

Result<void> write_durably(const fs::path& path, std::string_view contents, mode_t mode) {
  ::unlink(path.c_str());  // of a crash; whatever it was
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return system_error(kOperation, path, errno);
  while (!contents.empty()) {
    const auto written = ::write(file.get(), contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(kOperation, path, errno);
    contents.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0)  // fchmod: whatever the umask is
    return system_error(kOperation, path, errno);
  return {};
}

/// Renames what was written to its name.
Result<void> put_in_place(const fs::path& temporary, const fs::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) == 0) {
    // The name too outlives a power cut. Where a folder cannot be synced, the file system has no
    // need of it (EINVAL) or is about to tell the next writer.
    const UniqueFd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder) ::fsync(folder.get());
    return {};
  }
  const auto failed = system_error("put in place", path, errno);
  ::unlink(temporary.c_str());
  return failed;
}

}  // namespace

fs::path temporary_name(const fs::path& path) {
  return path.parent_path() / ("." + path.filename().string() + ".new");
}

Result<bool> put_file(const fs::path& path, std::string_view contents, mode_t mode) {
  if (is_like_that(path, contents, mode)) return false;
  const auto temporary = temporary_name(path);
  if (auto written = write_durably(temporary, contents, mode); !written) {
    ::unlink(temporary.c_str());
    return tl::unexpected(written.error());
  }
  if (auto placed = put_in_place(temporary, path); !placed) return tl::unexpected(placed.error());
  return true;
}

Result<void> put_link(const fs::path& path, const fs::path& target) {
  const auto temporary = temporary_name(path);
  ::unlink(temporary.c_str());  // of a crash; whatever it was
  if (::symlink(target.c_str(), temporary.c_str()) != 0)
    return system_error("make link", temporary, errno);
  return put_in_place(temporary, path);
}

Result<bool> put_program(const fs::path& from, const fs::path& to) {
  const auto program = read(from);
  if (!program || program->empty()) return system_error("read", from, program ? ENODATA : errno);
  return put_file(to, *program, 0755);
}

}  // namespace sextant::installation
