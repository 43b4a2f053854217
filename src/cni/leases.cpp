#include "cni/leases.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/unique_fd.h"

namespace sextant::cni {
namespace {

namespace fs = std::filesystem;

// Held until it is closed.
Result<UniqueFd> lock(const std::string& folder) {
  const std::string path = folder + "/lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!file) return system_error("open lock", path, errno);
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_error("lock", path, errno);
  }
  return file;
}

std::optional<Owner> read_owner(const fs::path& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const std::size_t end = text.find_first_of("\r\n");
  Owner owner{.container_id = text.substr(0, end)};
  if (owner.container_id.empty()) return std::nullopt;
  const std::size_t next = text.find_first_not_of("\r\n", end);
  if (next != std::string::npos) {
    owner.ifname = text.substr(next, text.find_first_of("\r\n", next) - next);
  }
  return owner;
}

}  // namespace

Result<std::vector<Lease>> release_leases(const std::string& folder,
                                          const std::function<bool(const Lease&)>& is_stale) {
  std::vector<Lease> released;
  std::error_code error;
  if (!fs::exists(folder, error)) return released;
  const auto locked = lock(folder);
  if (!locked) return tl::unexpected(locked.error());
  Result<void> first;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto address = IpAddress::parse(at->path().filename().string());
    if (!address) continue;  // "lock", "last_reserved_ip.0"
    const Lease lease{.address = *address, .owner = read_owner(at->path())};
    if (!is_stale(lease)) continue;
    if (::unlink(at->path().c_str()) == 0) {
      released.push_back(lease);
    } else if (errno != ENOENT && first) {
      first = system_error("release lease", at->path().string(), errno);
    }
  }
  if (error) return system_error("list leases", folder, error.value());
  if (!first) return tl::unexpected(first.error());
  return released;
}

}  // namespace sextant::cni
