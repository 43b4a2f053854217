#include "sources/file_snapshot.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/unique_fd.h"

namespace sextant::sources {
namespace {

constexpr off_t kMostBytes = off_t{256} << 20;
constexpr std::chrono::milliseconds kClosing{5};  // between a close's event and its end

enum class Lease { kHeld, kWriter, kNone };

/// The lease ends when `fd` is closed.
Lease take_read_lease(int fd) {
  // A writer who wants to open the file makes the kernel signal us. The default, SIGIO, would end
  // the process; SIGURG is ignored unless somebody asks for it, and nothing needs to be done: the
  // lease ends in a moment anyway.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return Lease::kNone;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) return Lease::kHeld;
  // EAGAIN: open for writing. EINVAL, EACCES, ...: no leases on this file system, or not for us.
  return errno == EAGAIN ? Lease::kWriter : Lease::kNone;
}

// The kernel tells inotify of a close before it gives up the writer's access (__fput() in
// fs/file_table.c), so whoever wakes up at once may still see a writer that is about to be gone and
// never heard of again.
Lease await_read_lease(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + kClosing;
  auto lease = take_read_lease(fd);
  while (lease == Lease::kWriter && std::chrono::steady_clock::now() < deadline) {
    ::sched_yield();
    lease = take_read_lease(fd);
  }
  return lease;
}

Result<FileSnapshot> read_all(int fd, const std::string& path, off_t size) {
  FileSnapshot snapshot{FileSnapshot::State::kRead, {}};
  auto& text = snapshot.text;
  text.resize(static_cast<std::size_t>(size) + 1);  // one more, so that the end is seen at once
  std::size_t filled = 0;
  for (;;) {
    const auto got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > static_cast<std::size_t>(kMostBytes)) {
      return failure("read", path, "larger than 256 MiB", "split it into several files");
    }
    if (filled == text.size()) text.resize(2 * text.size());
  }
  text.resize(filled);
  return snapshot;
}

}  // namespace

Result<FileSnapshot> read_snapshot(const std::string& path) {
  struct stat link {};
  if (::lstat(path.c_str(), &link) != 0 && errno != ENOENT) {
    return system_error("read", path, errno);
  }
  // O_NONBLOCK: a FIFO must not stop us, nor a lease of somebody else's.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    if (errno == ENOENT) return FileSnapshot{FileSnapshot::State::kMissing, {}};
    if (errno == EWOULDBLOCK) return FileSnapshot{FileSnapshot::State::kBeingWritten, {}};
    return system_error("read", path, errno);
  }
  struct stat target {};
  if (::fstat(fd.get(), &target) != 0) return system_error("read", path, errno);
  if (!S_ISREG(target.st_mode)) return failure("read", path, "not a regular file");
  const bool close_is_noticed = !S_ISLNK(link.st_mode) && target.st_nlink <= 1;
  if (await_read_lease(fd.get()) == Lease::kWriter && close_is_noticed) {
    return FileSnapshot{FileSnapshot::State::kBeingWritten, {}};
  }
  // Under the lease, or not at all, the size may have changed since.
  if (::fstat(fd.get(), &target) != 0) return system_error("read", path, errno);
  if (target.st_size > kMostBytes) {
    return failure("read", path, "larger than 256 MiB", "split it into several files");
  }
  return read_all(fd.get(), path, target.st_size);
}

}  // namespace sextant::sources
