#include "sources/manifest_directory.h"

#include <filesystem>
#include <set>
#include <utility>

#include "sources/directory_watch.h"
#include "sources/file_snapshot.h"
#include "sources/finding_log.h"
#include "sources/manifest_set.h"

namespace sextant::sources {

struct ManifestDirectory::State {
  explicit State(DirectoryWatch made) : watch(std::move(made)) {}

  DirectoryWatch watch;
  ManifestSet set;
  std::optional<Finding> directory;  // what is wrong with the directory itself
  std::set<std::string> awaited;     // files in the middle of being written or replaced
  FindingLog log;
  bool loaded = false;

  void refresh(const std::string& name);
  void load_all();
  overlay::IntentChange finish();
};

namespace {

Finding directory_error(const std::string& path, const std::string& reason) {
  return {Severity::kError, {{"Directory", path}, path, reason}};
}

}  // namespace

void ManifestDirectory::State::refresh(const std::string& name) {
  awaited.erase(name);
  auto snapshot = read_snapshot(watch.directory() + "/" + name);
  if (!snapshot) {
    const auto& error = snapshot.error();
    set.set_unreadable(
        name, "cannot be read: " + error.cause + (error.hint.empty() ? "" : "; " + error.hint));
    return;
  }
  switch (snapshot->state) {
    case FileSnapshot::State::kRead:
      watch.replaced(name);
      set.set_file(name, snapshot->text);
      break;
    case FileSnapshot::State::kMissing:
      if (watch.is_being_replaced(name)) {
        awaited.insert(name);
      } else {
        set.remove_file(name);
      }
      break;
    case FileSnapshot::State::kBeingWritten:
      awaited.insert(name);
      break;
  }
}

void ManifestDirectory::State::load_all() {
  directory.reset();
  std::error_code failed;
  std::set<std::string> names;
  for (std::filesystem::directory_iterator entry(watch.directory(), failed), end;
       !failed && entry != end; entry.increment(failed)) {
    auto name = entry->path().filename().string();
    if (is_manifest_name(name)) names.insert(std::move(name));
  }
  if (failed) {
    std::string reason = "cannot be read: " + failed.message();
    if (loaded) reason += "; the last good state of its files stays";
    directory = directory_error(watch.directory(), reason);
    return;
  }
  if (const auto& error = watch.detached()) {
    directory = directory_error(watch.directory(), "edits go unnoticed: " + error->message());
  }
  loaded = true;
  for (const auto& name : set.files()) {
    if (!names.contains(name)) refresh(name);
  }
  for (const auto& name : names) refresh(name);
}

overlay::IntentChange ManifestDirectory::State::finish() {
  auto change = set.take_change();
  auto findings = set.findings();
  if (directory) findings.push_back(*directory);
  log.update(std::move(findings));
  return change;
}

ManifestDirectory::ManifestDirectory(std::unique_ptr<State> state) : state_(std::move(state)) {}
ManifestDirectory::~ManifestDirectory() = default;
ManifestDirectory::ManifestDirectory(ManifestDirectory&&) noexcept = default;
ManifestDirectory& ManifestDirectory::operator=(ManifestDirectory&&) noexcept = default;

Result<ManifestDirectory> ManifestDirectory::open(std::string directory) {
  auto watch = DirectoryWatch::make(std::move(directory));
  if (!watch) return tl::unexpected(watch.error());
  auto state = std::make_unique<State>(std::move(*watch));
  state->load_all();
  (void)state->finish();  // it is in intent()
  return ManifestDirectory(std::move(state));
}

int ManifestDirectory::fd() const { return state_->watch.fd(); }

Result<overlay::IntentChange> ManifestDirectory::poll() {
  const auto events = state_->watch.read();
  if (!events) return tl::unexpected(events.error());
  if (events->reread_all) {
    state_->load_all();
  } else if (events->written.empty()) {
    return overlay::IntentChange{};
  } else {
    for (const auto& name : events->written) state_->refresh(name);
  }
  return state_->finish();
}

Result<overlay::IntentChange> ManifestDirectory::reload() {
  if (state_->watch.detached()) state_->watch.attach();
  state_->load_all();
  return state_->finish();
}

const overlay::Intent& ManifestDirectory::intent() const { return state_->set.intent(); }
const Peering& ManifestDirectory::peering() const { return state_->set.peering(); }

std::vector<Finding> ManifestDirectory::findings() const {
  auto all = state_->set.findings();
  for (const auto& name : state_->awaited) {
    all.push_back(
        {Severity::kWarning,
         {{"File", name}, name, "is being written; its last state stays until that is done"}});
  }
  if (state_->directory) all.insert(all.begin(), *state_->directory);
  return all;
}

bool ManifestDirectory::loaded() const { return state_->loaded; }

}  // namespace sextant::sources
