// A directory of Kubernetes YAML as a source of Intent, watched with inotify.
//
// Flow: directory -> files -> objects -> Intent; each poll() gives the difference. One thread, no
// locks, no timers.
//
// Files: *.yaml, *.yml, *.json directly in the directory, in the order of their names; hidden files
// and editors' backups are not read. A file is read when its writer closes it or when it is renamed
// into place, never half-written: a read lease tells whether somebody has it open for writing, and
// then its closing is awaited. Only the files an event names are read again; everything is after
// lost events (queue overflow), a ConfigMap volume's `..data` swap, or a new directory.
//
// What is bad never takes the place of what is good: see manifest_set.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/peering.h"

namespace sextant::sources {

class ManifestDirectory {
 public:
  /// Starts to watch and loads. A directory that is missing or unreadable is not an error but a
  /// finding, and is loaded by poll() when it appears. Errors: no inotify instance to be had.
  [[nodiscard]] static Result<ManifestDirectory> open(std::string directory);
  ~ManifestDirectory();
  ManifestDirectory(ManifestDirectory&&) noexcept;
  ManifestDirectory& operator=(ManifestDirectory&&) noexcept;

  /// Readable when poll() has something to do; level-triggered. It stays the same for the object's
  /// life.
  [[nodiscard]] int fd() const;
  /// Takes in what has happened since; never blocks. The change is empty where nothing of interest
  /// did.
  [[nodiscard]] Result<overlay::IntentChange> poll();
  /// Reads every file again (an operator's SIGHUP).
  [[nodiscard]] Result<overlay::IntentChange> reload();

  /// The state after open() and all changes given out since.
  [[nodiscard]] const overlay::Intent& intent() const;
  [[nodiscard]] const Peering& peering() const;
  /// Sorted by severity, object and place. New ones are logged as they appear.
  [[nodiscard]] std::vector<Finding> findings() const;
  /// Whether the directory could be read at least once. While it could not, an empty intent() means
  /// "not known", and not "nothing wanted".
  [[nodiscard]] bool loaded() const;

 private:
  struct State;
  explicit ManifestDirectory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::sources
