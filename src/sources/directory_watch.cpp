#include "sources/directory_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sextant::sources {
namespace {

constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
// Not IN_MODIFY: a file is looked at when its writer is done with it. IN_ATTRIB: it may have become
// readable.
constexpr std::uint32_t kDirectoryMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                         IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                         IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::uint32_t kAncestorMask =
    IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kMostAttempts = 16;  // against somebody who moves directories as fast as we follow

/// What Kubernetes' kubelet renames to put a new version of a ConfigMap volume in place.
constexpr std::string_view kAtomicSwap = "..data";

/// A file that was just made has a writer, whose close will follow. A link has none.
bool has_writer(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

}  // namespace

bool is_manifest_name(std::string_view name) {
  if (name.starts_with('.') || name.starts_with('#')) return false;
  for (const std::string_view ending : {".yaml", ".yml", ".json"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) return true;
  }
  return false;
}

Result<DirectoryWatch> DirectoryWatch::make(std::string directory) {
  UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) {
    auto error = system_error("watch directory", directory, errno);
    if (errno == EMFILE) error.value().hint = "raise fs.inotify.max_user_instances";
    return error;
  }
  std::error_code ignored;
  auto absolute = std::filesystem::absolute(directory, ignored).lexically_normal().string();
  while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  DirectoryWatch watch(std::move(absolute), std::move(inotify));
  watch.attach();
  return watch;
}

DirectoryWatch::DirectoryWatch(std::string directory, UniqueFd inotify)
    : directory_(std::move(directory)), inotify_(std::move(inotify)) {}

void DirectoryWatch::watch_ancestor() {
  std::filesystem::path step = directory_;
  do {
    ancestor_entry_ = step.filename().string();
    step = step.parent_path();
    ancestor_watch_ = ::inotify_add_watch(inotify_.get(), step.c_str(), kAncestorMask);
  } while (ancestor_watch_ < 0 && step != step.parent_path());
  ancestor_ = step.string();
}

void DirectoryWatch::attach() {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    for (auto* watch : {&directory_watch_, &ancestor_watch_}) {
      if (*watch >= 0) ::inotify_rm_watch(inotify_.get(), *watch);
      *watch = -1;
    }
    identity_.reset();
    moved_from_.reset();
    backups_.clear();
    detached_.reset();

    // The ancestor first: what appears between the two steps is then seen by one of them.
    watch_ancestor();
    directory_watch_ = ::inotify_add_watch(inotify_.get(), directory_.c_str(), kDirectoryMask);
    const int add_error = errno;
    struct stat status {};
    const bool exists = ::stat(directory_.c_str(), &status) == 0;
    if (directory_watch_ >= 0) {
      if (!exists) continue;  // gone again
      identity_ = {status.st_dev, status.st_ino};
      return;
    }
    auto error = system_error("watch directory", directory_, add_error);
    if (add_error == ENOSPC) error.value().hint = "raise fs.inotify.max_user_watches";
    detached_ = std::move(error.value());
    if (exists) return;  // it cannot be watched, which trying again does not change
    // What appears from now on, the ancestor's watch tells; unless a step towards the directory has
    // appeared before.
    if (::lstat((ancestor_ + "/" + ancestor_entry_).c_str(), &status) != 0) return;
  }
}

bool DirectoryWatch::moved() const {
  struct stat status {};
  const bool exists = ::stat(directory_.c_str(), &status) == 0;
  if (!identity_) return true;
  return !exists || identity_ != std::pair{status.st_dev, status.st_ino};
}

bool DirectoryWatch::is_being_replaced(const std::string& name) const {
  return backups_.contains(name + "~");
}

void DirectoryWatch::take_entry(const inotify_event& event, DirectoryEvents& events) {
  const std::string name(event.name);
  if ((event.mask & IN_MOVED_TO) != 0 && moved_from_ && moved_from_->first == event.cookie &&
      name == moved_from_->second + "~") {
    backups_.insert(name);
  }
  if ((event.mask & IN_MOVED_FROM) != 0) {
    moved_from_ = {event.cookie, name};
  } else {
    moved_from_.reset();
  }
  if (name == kAtomicSwap) {
    events.reread_all = true;
  } else if (is_manifest_name(name)) {
    if ((event.mask & IN_CREATE) == 0 || !has_writer(directory_ + "/" + name)) {
      events.written.insert(name);
    }
  } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0 && backups_.erase(name) > 0) {
    events.written.insert(name.substr(0, name.size() - 1));
  }
}

void DirectoryWatch::take(const inotify_event& event, DirectoryEvents& events) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    events.reread_all = true;
    backups_.clear();
    look_again_ = true;
  } else if (event.wd == directory_watch_) {
    if ((event.mask & kGone) != 0) {
      gone_ = true;
    } else if (event.len > 0) {
      take_entry(event, events);
    }
  } else if (event.wd == ancestor_watch_) {
    if (event.len == 0 || event.name == ancestor_entry_) look_again_ = true;
  }
}

Result<void> DirectoryWatch::drain(DirectoryEvents& events) {
  alignas(inotify_event) char buffer[16384];
  for (;;) {
    const auto got = ::read(inotify_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return system_error("watch directory", directory_, errno);
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      take(*event, events);
    }
  }
}

Result<DirectoryEvents> DirectoryWatch::read() {
  DirectoryEvents events;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    if (auto drained = drain(events); !drained) return tl::unexpected(drained.error());
    const bool gone = std::exchange(gone_, false);
    const bool look_again = std::exchange(look_again_, false);
    if (!gone && !(look_again && moved())) break;
    attach();
    events = {.reread_all = true};
    // Once more: removing the old watches has left events behind.
  }
  return events;
}

}  // namespace sextant::sources
