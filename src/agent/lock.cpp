#include "agent/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>

#include "base/log.h"

namespace sextant::agent {
namespace {

constexpr auto kOperation = "become this node's agent, with";
constexpr auto kHint =
    "stop the other sextantd first (systemctl stop sextantd), or leave the node to it: is it a "
    "DaemonSet's?";

Result<UniqueFd> lock_file(const std::string& path) {
  // A holder that ends unlinks the file: what was locked may be no longer the file of that name,
  // then try again.
  for (int tries = 0; tries < 16; ++tries) {
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_error(kOperation, path, errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return failure(kOperation, path, "another agent holds it", kHint);
      return system_error(kOperation, path, errno);
    }
    struct stat held {};
    struct stat named {};
    if (::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev)
      return file;
  }
  return failure(kOperation, path, "agents come and go too fast");
}

Result<UniqueFd> claim_namespace(std::string_view name) {
  const auto object = "@" + std::string(name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto size = std::min(name.size(), sizeof address.sun_path - 1);
  name.copy(address.sun_path + 1, size);  // a leading zero byte: the abstract namespace, unix(7)
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(kOperation, object, errno);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    if (errno == EADDRINUSE)
      return failure(kOperation, object, "another agent runs in this network namespace", kHint);
    return system_error(kOperation, object, errno);
  }
  return socket;
}

}  // namespace

bool is_full_disk(const Error& error) {
  return error.errno_value == ENOSPC || error.errno_value == EDQUOT || error.errno_value == EROFS;
}

Result<AgentLock> AgentLock::take(const std::string& socket_path, std::string_view claim) {
  std::error_code error;
  if (const auto folder = std::filesystem::path(socket_path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, error);
  auto path = socket_path + ".lock";
  auto file = error ? Result<UniqueFd>(system_error(kOperation, socket_path, error.value()))
                    : lock_file(path);
  if (!file && is_full_disk(file.error())) {
    log::warn({{"error", file.error()}}, "{}: without it, only this network namespace is locked",
              file.error().message());
    file = UniqueFd();
  }
  if (!file) return tl::unexpected(file.error());
  AgentLock lock(std::move(path), std::move(*file), UniqueFd());
  auto claimed = claim_namespace(claim);
  if (!claimed) return tl::unexpected(claimed.error());
  lock.claim_ = std::move(*claimed);
  return lock;
}

AgentLock::AgentLock(AgentLock&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      claim_(std::move(other.claim_)) {}

AgentLock::~AgentLock() {
  if (file_) ::unlink(path_.c_str());  // while it is still locked: see lock_file()
}

}  // namespace sextant::agent
