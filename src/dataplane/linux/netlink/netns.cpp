#include "dataplane/linux/netlink/netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <system_error>
#include <thread>

namespace sextant::netlink {
namespace {

constexpr const char* kDirectory = "/run/netns";
// The exit status of a child that could not enter its namespace, as shells use for "cannot run".
constexpr int kExitCannotEnter = 126;

Result<std::string> path_of(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.size() > 255 ||
      name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    return failure("find network namespace", "'" + name + "'", "not a namespace's name",
                   "use a file name without '/'");
  }
  return std::string(kDirectory) + "/" + name;
}

// /run/netns as `ip netns add` sets it up: a shared mount point, so that names made and removed
// here are seen by processes in other mount namespaces. Returns the directory locked, since several
// processes may do this at once.
Result<UniqueFd> prepare_directory() {
  if (::mkdir(kDirectory, 0755) != 0 && errno != EEXIST) {
    return system_error("create directory", kDirectory, errno);
  }
  UniqueFd directory(::open(kDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_error("open directory", kDirectory, errno);
  if (::flock(directory.get(), LOCK_EX) != 0) return system_error("lock", kDirectory, errno);
  if (::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) == 0) return directory;
  // EINVAL: not a mount point yet.
  if (errno != EINVAL || ::mount(kDirectory, kDirectory, "none", MS_BIND | MS_REC, nullptr) != 0 ||
      ::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    return system_error("make a shared mount of", kDirectory, errno);
  }
  return directory;
}

// Runs `work` on a thread of its own; its exception is thrown here.
Result<void> on_thread(const std::function<Result<void>()>& work) {
  Result<void> answer;
  std::exception_ptr thrown;
  try {
    std::thread([&] {
      try {
        answer = work();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
  } catch (const std::system_error& error) {
    return system_error("start thread", "", error.code().value());
  }
  if (thrown) std::rethrow_exception(thrown);
  return answer;
}

}  // namespace

Result<Netns> Netns::current() { return open_path("/proc/thread-self/ns/net"); }

Result<Netns> Netns::create(const std::string& name) {
  const auto path = path_of(name);
  if (!path) return tl::unexpected(path.error());
  const auto locked = prepare_directory();
  if (!locked) return tl::unexpected(locked.error());
  const std::string operation = "create network namespace";
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file) return system_error(operation, name, errno);
  const auto made = on_thread([&]() -> Result<void> {
    if (::unshare(CLONE_NEWNET) != 0) return system_error(operation, name, errno);
    if (::mount("/proc/thread-self/ns/net", path->c_str(), "none", MS_BIND, nullptr) != 0) {
      return system_error("mount network namespace", *path, errno);
    }
    return {};
  });
  if (!made) {
    ::unlink(path->c_str());
    return tl::unexpected(made.error());
  }
  return open(name);
}

Result<Netns> Netns::open(const std::string& name) {
  const auto path = path_of(name);
  if (!path) return tl::unexpected(path.error());
  auto opened = open_path(*path);
  if (opened) opened->label_ = name;
  return opened;
}

Result<Netns> Netns::open_path(const std::string& path) {
  const std::string operation = "open network namespace";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error(operation, path, errno);
  // An empty file stays behind where the mount was undone but not the file: that is no namespace.
  struct statfs system {};
  if (::fstatfs(fd.get(), &system) != 0) return system_error(operation, path, errno);
  if (system.f_type != NSFS_MAGIC || ::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    auto failed = system_error(operation, path, EINVAL);
    failed.value().cause = "not a network namespace";
    return failed;
  }
  return Netns(std::move(fd), path);
}

Result<Netns> Netns::open_pid(pid_t pid) {
  return open_path("/proc/" + std::to_string(pid) + "/ns/net");
}

Result<void> Netns::remove(const std::string& name) {
  const auto path = path_of(name);
  if (!path) return tl::unexpected(path.error());
  // EINVAL: a file without a mount, left by somebody who stopped half way. ENOENT: gone already.
  if (::umount2(path->c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) {
    return system_error("unmount network namespace", *path, errno);
  }
  if (::unlink(path->c_str()) != 0 && errno != ENOENT) {
    return system_error("delete network namespace", *path, errno);
  }
  return {};
}

Result<std::vector<std::string>> Netns::list() {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator at(kDirectory, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  // No directory: nobody has made a namespace yet.
  if (error && error != std::errc::no_such_file_or_directory) {
    return system_error("list network namespaces", kDirectory, error.value());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<ino_t> Netns::id() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0)
    return system_error("read network namespace", label_, errno);
  return status.st_ino;
}

Result<void> Netns::enter() const {
  if (::setns(fd_.get(), CLONE_NEWNET) != 0) {
    return system_error("enter network namespace", label_, errno);
  }
  return {};
}

Result<void> Netns::run_on_thread(const std::function<void()>& function) const {
  return on_thread([&]() -> Result<void> {
    if (auto entered = enter(); !entered) return entered;
    function();
    return {};
  });
}

Result<pid_t> Netns::fork_inside(const std::function<int()>& function) const {
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork", "", errno);
  if (child > 0) return child;
  if (!enter()) ::_exit(kExitCannotEnter);
  int status = kExitCannotEnter;
  try {
    status = function();
  } catch (...) {  // nothing may run the parent's clean-up in the child
  }
  ::_exit(status);
}

}  // namespace sextant::netlink
