#include "dataplane/linux/netlink/sysctl.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/unique_fd.h"

namespace sextant::netlink {
namespace {

// A container without privileges has /proc/sys read only. The machine's own may be mounted beside
// it: its net/ shows each thread the parameters of that thread's network namespace, as everywhere.
const std::string& folder() {
  static const std::string kFolder = [] {
    const char* other = std::getenv("SEXTANT_PROC_SYS");
    return std::string(other == nullptr || *other == '\0' ? "/proc/sys" : other) + "/";
  }();
  return kFolder;
}

Result<std::string> path_of(std::string_view name) {
  std::string path(name);
  if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  if (path.empty() || path.front() == '/' || path.find("..") != std::string::npos ||
      path.find('\0') != std::string::npos) {
    return failure("find sysctl", "'" + std::string(name) + "'", "not the name of a sysctl");
  }
  return folder() + path;
}

// Spaces and tabs separate values alike: "4096\t87380" reads as "4096 87380".
std::string normalized(std::string_view value) {
  std::string text(value);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

}  // namespace

Result<std::string> read_sysctl(std::string_view name) {
  const auto path = path_of(name);
  if (!path) return tl::unexpected(path.error());
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error("read sysctl", std::string(name), errno);
  char buffer[4096];
  const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
  if (size < 0) return system_error("read sysctl", std::string(name), errno);
  return normalized({buffer, static_cast<std::size_t>(size)});
}

Result<bool> write_sysctl(std::string_view name, std::string_view value) {
  const auto path = path_of(name);
  if (!path) return tl::unexpected(path.error());
  // Some are write-only (flush): what cannot be read is written.
  if (const auto present = read_sysctl(name); present && *present == normalized(value)) {
    return false;
  }
  const std::string object = std::string(name) + "=" + std::string(value);
  const UniqueFd file(::open(path->c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return system_error("write sysctl", object, errno);
  if (::write(file.get(), value.data(), value.size()) < 0) {
    return system_error("write sysctl", object, errno);
  }
  return true;
}

}  // namespace sextant::netlink
