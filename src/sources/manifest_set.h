// Many files of Kubernetes YAML as one set of objects. Pure: it is given the files' texts.
//
// What is bad never takes the place of what is good:
//   - a file that is not YAML leaves its last good state in force;
//   - an object with errors leaves its last good form in force, the others of its file count;
//   - a document that cannot be identified (no kind, no name) may be any object that was in the
//     file before: those that are missing now stay.
// An object in two files stays in force as in the file that had it first (of files that come
// together, the first by name): a second definition takes nothing away. Within a file the first
// counts.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/intent_store.h"
#include "sources/object.h"

namespace sextant::sources {

class ManifestSet {
 public:
  /// The file's text now. Costs little where it is the one that was given before.
  void set_file(const std::string& name, std::string_view text);
  /// The file cannot be read: its last good state stays.
  void set_unreadable(const std::string& name, std::string reason);
  void remove_file(const std::string& name);
  [[nodiscard]] std::vector<std::string> files() const;

  /// What the calls since the last take_change() mean; intent() has it applied.
  [[nodiscard]] overlay::IntentChange take_change() { return store_.take_change(); }

  [[nodiscard]] const overlay::Intent& intent() const { return store_.intent(); }
  [[nodiscard]] const Peering& peering() const { return store_.peering(); }
  /// Errors first, then by object and place.
  [[nodiscard]] std::vector<Finding> findings() const;

 private:
  struct File {
    std::optional<std::pair<std::size_t, std::size_t>> fingerprint;  // size and hash of the text
    std::vector<std::shared_ptr<const Object>> objects;  // in force, if no other file's are
  };
  using Place = std::pair<std::string, std::size_t>;  // file and position in it
  using Places = std::map<Place, std::shared_ptr<const Object>>;

  /// Makes `objects` the file's, in the index and in the store.
  void replace_objects(const std::string& name, File& file,
                       std::vector<std::shared_ptr<const Object>> objects);
  void set_findings(const std::string& name, std::vector<Finding> findings);
  void settle(const overlay::ObjectKey& key);

  std::map<std::string, File> files_;
  std::map<std::string, std::vector<Finding>> file_findings_;  // only of files that have some
  std::map<overlay::ObjectKey, Places> places_;
  std::map<overlay::ObjectKey, std::string> in_force_;  // the file whose definition is
  std::map<overlay::ObjectKey, std::vector<Finding>> duplicates_;
  IntentStore store_;
};

}  // namespace sextant::sources
