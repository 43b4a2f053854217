#include "sources/manifest_set.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "base/log.h"
#include "sources/yaml.h"

namespace sextant::sources {
namespace {

using Objects = std::vector<std::shared_ptr<const Object>>;

Finding file_error(const std::string& name, overlay::Location location, std::string reason,
                   const Objects& kept) {
  if (!kept.empty()) reason += "; the last good state of the file stays";
  return {Severity::kError, {{"File", name}, std::move(location), std::move(reason)}};
}

std::shared_ptr<const Object> last_good(const Objects& objects, const overlay::ObjectKey& key) {
  const auto found = std::ranges::find_if(objects, [&](const auto& o) { return o->key == key; });
  return found == objects.end() ? nullptr : *found;
}

/// The objects to be in force after `reading`, where `before` were. Fills `findings`.
Objects settle_reading(Reading& reading, const Objects& before, std::vector<Finding>& findings) {
  Objects objects;
  std::set<overlay::ObjectKey> present;
  for (auto& object : reading.objects) {
    present.insert(object.key);
    const auto kept = object.usable ? nullptr : last_good(before, object.key);
    for (auto& finding : object.findings) {
      if (kept != nullptr && finding.severity == Severity::kError) {
        finding.problem.reason += "; its last good form stays";
      }
      findings.push_back(std::move(finding));
    }
    object.findings.clear();
    if (kept != nullptr) objects.push_back(kept);
    if (object.usable) objects.push_back(std::make_shared<const Object>(std::move(object)));
  }
  for (auto& finding : reading.findings) findings.push_back(std::move(finding));
  if (reading.unidentified) {
    for (const auto& object : before) {
      if (!present.contains(object->key)) objects.push_back(object);
    }
  }
  return objects;
}

}  // namespace

void ManifestSet::set_file(const std::string& name, std::string_view text) {
  auto& file = files_[name];
  const std::pair fingerprint{text.size(), std::hash<std::string_view>{}(text)};
  if (file.fingerprint == fingerprint) return;
  file.fingerprint = fingerprint;

  const auto documents = parse_yaml(text);
  if (!documents) {
    const auto& error = documents.error();
    set_findings(name, {file_error(name,
                                   name + ":" + std::to_string(error.line) + ":" +
                                       std::to_string(error.column),
                                   "not YAML: " + error.reason, file.objects)});
    return;
  }
  Reading reading;
  for (const auto& document : *documents) read_document(document, name, reading);
  for (const auto& key : reading.ignored) {
    log::debug("{}: {} is not of a kind that Sextant reads", name, key.to_string());
  }
  std::vector<Finding> findings;
  replace_objects(name, file, settle_reading(reading, file.objects, findings));
  set_findings(name, std::move(findings));
}

void ManifestSet::set_unreadable(const std::string& name, std::string reason) {
  auto& file = files_[name];
  file.fingerprint.reset();
  set_findings(name, {file_error(name, name, std::move(reason), file.objects)});
}

void ManifestSet::remove_file(const std::string& name) {
  const auto file = files_.find(name);
  if (file == files_.end()) return;
  replace_objects(name, file->second, {});
  files_.erase(file);
  file_findings_.erase(name);
}

void ManifestSet::set_findings(const std::string& name, std::vector<Finding> findings) {
  if (findings.empty()) {
    file_findings_.erase(name);
  } else {
    file_findings_[name] = std::move(findings);
  }
}

void ManifestSet::replace_objects(const std::string& name, File& file, Objects objects) {
  std::set<overlay::ObjectKey> touched;
  for (std::size_t i = 0; i < file.objects.size(); ++i) {
    const auto& key = file.objects[i]->key;
    places_[key].erase({name, i});
    touched.insert(key);
  }
  file.objects = std::move(objects);
  for (std::size_t i = 0; i < file.objects.size(); ++i) {
    const auto& key = file.objects[i]->key;
    places_[key][{name, i}] = file.objects[i];
    touched.insert(key);
  }
  for (const auto& key : touched) settle(key);
}

void ManifestSet::settle(const overlay::ObjectKey& key) {
  duplicates_.erase(key);
  const auto found = places_.find(key);
  if (found->second.empty()) {
    places_.erase(found);
    in_force_.erase(key);
    store_.set(key, nullptr);
    return;
  }
  const auto& places = found->second;
  auto chosen = places.lower_bound({in_force_[key], 0});
  if (chosen == places.end() || chosen->first.first != in_force_[key]) chosen = places.begin();
  in_force_[key] = chosen->first.first;
  const auto& object = chosen->second;
  store_.set(key, object);
  for (auto place = places.begin(); place != places.end(); ++place) {
    if (place == chosen) continue;
    duplicates_[key].push_back(
        {Severity::kError,
         {key, place->second->location,
          "is defined twice; the one at " + object->location + " is in force, this one is not"}});
  }
}

std::vector<std::string> ManifestSet::files() const {
  std::vector<std::string> names;
  names.reserve(files_.size());
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

std::vector<Finding> ManifestSet::findings() const {
  std::vector<Finding> all;
  const auto append = [&](const std::vector<Finding>& some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  for (const auto& [name, some] : file_findings_) append(some);
  for (const auto& [key, some] : duplicates_) append(some);
  for (const auto& [node, some] : store_.findings()) append(some);
  std::ranges::sort(all, [](const Finding& a, const Finding& b) {
    return std::tie(b.severity, a.problem) < std::tie(a.severity, b.problem);
  });
  return all;
}

}  // namespace sextant::sources
