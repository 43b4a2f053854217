// inotify on one directory that may not be there yet, may be a symbolic link that is swapped, and
// may come back as another one. It says which files to look at again; it reads none.
//
// Two watches: on the directory, and on its nearest existing ancestor, where the next step of the
// path towards it appears. No timers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

struct inotify_event;

namespace sextant::sources {

/// *.yaml, *.yml, *.json, but no hidden files and none that editors make beside the one they edit.
[[nodiscard]] bool is_manifest_name(std::string_view name);

/// What has happened since the last look.
struct DirectoryEvents {
  bool reread_all = false;  // events were lost, a `..data` swap, a new directory
  std::set<std::string>
      written;  // closed by a writer, renamed into place, linked, gone: look at them
};

class DirectoryWatch {
 public:
  /// Errors: no inotify instance. A missing directory is not one: see attached().
  [[nodiscard]] static Result<DirectoryWatch> make(std::string directory);

  [[nodiscard]] int fd() const { return inotify_.get(); }
  /// Never blocks.
  [[nodiscard]] Result<DirectoryEvents> read();
  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// Nothing where the directory is watched; else why it cannot be.
  [[nodiscard]] const std::optional<Error>& detached() const { return detached_; }
  /// Tries again to watch a directory that could not be watched.
  void attach();
  /// Whether the file, missing now, was renamed by an editor to its backup `NAME~` and is about to
  /// be written anew.
  [[nodiscard]] bool is_being_replaced(const std::string& name) const;
  /// The file has been written anew.
  void replaced(const std::string& name) { backups_.erase(name + "~"); }

 private:
  DirectoryWatch(std::string directory, UniqueFd inotify);

  void watch_ancestor();
  /// Whether the path leads to another directory than the one that is watched.
  [[nodiscard]] bool moved() const;
  [[nodiscard]] Result<void> drain(DirectoryEvents& events);
  void take(const inotify_event& event, DirectoryEvents& events);
  void take_entry(const inotify_event& event, DirectoryEvents& events);

  std::string directory_;  // absolute
  UniqueFd inotify_;
  int directory_watch_ = -1;
  int ancestor_watch_ = -1;
  std::string ancestor_;
  std::string ancestor_entry_;  // the step below it towards the directory
  bool gone_ = false;           // the watched directory (a new one may have its inode's number)
  bool look_again_ = false;     // something on the way to the directory has changed
  std::optional<std::pair<dev_t, ino_t>> identity_;
  std::optional<Error> detached_;
  std::optional<std::pair<std::uint32_t, std::string>> moved_from_;  // cookie and name
  std::set<std::string> backups_;
};

}  // namespace sextant::sources
