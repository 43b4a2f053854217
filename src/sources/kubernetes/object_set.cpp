#include "sources/kubernetes/object_set.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <tuple>
#include <utility>

#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using sources::Finding;
using sources::Object;
using sources::Severity;

bool has_meta(Kind kind) { return kind <= Kind::kConfigMap; }

ObjectMeta meta_of(const json::object& object) {
  const auto* metadata = object.if_contains("metadata");
  if (metadata == nullptr) return {};
  return {.uid = text_at(*metadata, "uid"),
          .ns = text_at(*metadata, "namespace"),
          .generation = number_at(*metadata, "generation")};
}

std::string name_of(const json::object& object) {
  const auto* metadata = object.if_contains("metadata");
  return metadata == nullptr ? std::string() : text_at(*metadata, "name");
}

/// For messages: "kubernetes", "kubernetes/calico-vpp-dataplane".
std::string place_of(const ObjectMeta& meta) {
  return meta.ns.empty() ? "kubernetes" : "kubernetes/" + meta.ns;
}

void append(std::vector<Finding>& to, const std::vector<Finding>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

const KnownObject* ObjectSet::find(Kind kind, const std::string& name) const {
  const auto& objects = of(kind);
  const auto found = objects.find(name);
  return found == objects.end() ? nullptr : found->second.get();
}

const KnownObject* ObjectSet::find(const overlay::ObjectKey& key) const {
  const auto kinds = watched_kinds();
  const auto kind = std::ranges::find(kinds, key.kind, &WatchedKind::name);
  return kind == kinds.end() ? nullptr : find(kind->kind, key.name);
}

std::shared_ptr<const KnownObject> ObjectSet::read(Kind kind, const json::object& json) const {
  const auto& objects = of(kind);
  const auto entry = objects.find(name_of(json));
  const auto known = entry == objects.end() ? nullptr : entry->second;
  KnownObject now;
  const auto meta = meta_of(json);
  // Whoever writes a policy's status makes no new generation of it.
  if (kind == Kind::kSrv6Policy && known != nullptr && meta.generation != 0 &&
      known->meta == meta) {
    return known;
  }
  sources::Reading reading;
  read_document(essence(kind, json), place_of(meta), reading);
  const bool ours = reading.ignored.empty();
  if (ours && has_meta(kind)) now.meta = meta;
  now.findings = std::move(reading.findings);
  const bool same_object = known != nullptr && known->meta.uid == now.meta.uid;
  if (!reading.objects.empty()) {
    auto& object = reading.objects.front();
    append(now.findings, std::exchange(object.findings, {}));
    if (object.usable) {
      const bool unchanged = known != nullptr && known->good != nullptr && *known->good == object;
      now.good = unchanged ? known->good : std::make_shared<const Object>(std::move(object));
    } else if (same_object) {
      now.good = known->good;
    }
  }
  for (auto& finding : now.findings) {
    if (finding.severity != Severity::kError) continue;
    finding.problem.reason += now.good != nullptr ? "; its last good form stays" : "; left out";
  }
  const bool nothing_new = known != nullptr && known->good == now.good && known->meta == now.meta &&
                           known->findings == now.findings;
  return nothing_new ? known : std::make_shared<const KnownObject>(std::move(now));
}

void ObjectSet::put(Kind kind, const std::string& name, std::shared_ptr<const KnownObject> object) {
  auto& objects = objects_[static_cast<std::size_t>(kind)];
  const auto found = objects.find(name);
  if (found != objects.end() ? found->second == object : object == nullptr) return;
  news_ = true;
  const bool trouble = object != nullptr && !object->findings.empty();
  if (trouble) {
    troubled_.emplace(kind, name);
  } else {
    troubled_.erase({kind, name});
  }
  store_.set({std::string(watched(kind).name), name}, object != nullptr ? object->good : nullptr);
  if (object == nullptr) {
    objects.erase(found);
  } else {
    objects[name] = std::move(object);
  }
}

overlay::IntentChange ObjectSet::take_change() { return store_.take_change(); }

std::vector<Finding> ObjectSet::findings() const {
  std::vector<Finding> all;
  for (const auto& [kind, name] : troubled_) append(all, find(kind, name)->findings);
  for (const auto& [node, some] : store_.findings()) append(all, some);
  std::ranges::sort(all, [](const Finding& a, const Finding& b) {
    return std::tie(b.severity, a.problem) < std::tie(a.severity, b.problem);
  });
  return all;
}

std::vector<Finding> ObjectSet::findings_of(const overlay::ObjectKey& object) const {
  const auto* known = find(object);
  if (known == nullptr) return {};
  auto all = known->findings;
  if (known->good == nullptr || !known->good->node) return all;
  const auto contradictions = store_.findings().find(known->good->node->node);
  if (contradictions == store_.findings().end()) return all;
  for (const auto& finding : contradictions->second) {
    if (finding.problem.object == object) all.push_back(finding);
  }
  return all;
}

const ObjectMeta* ObjectSet::meta(const overlay::ObjectKey& object) const {
  const auto* known = find(object);
  return known == nullptr || known->meta.uid.empty() ? nullptr : &known->meta;
}

std::map<std::string, ObjectMeta> ObjectSet::metas(const std::string& kind) const {
  std::map<std::string, ObjectMeta> all;
  const auto kinds = watched_kinds();
  const auto found = std::ranges::find(kinds, kind, &WatchedKind::name);
  if (found == kinds.end()) return all;
  for (const auto& [name, object] : of(found->kind)) {
    if (!object->meta.uid.empty()) all.emplace_hint(all.end(), name, object->meta);
  }
  return all;
}

bool ObjectSet::unreadable(const std::string& node) const {
  const auto bad = [&](Kind kind) {
    const auto* known = find(kind, node);
    return known != nullptr && known->good == nullptr;
  };
  return bad(Kind::kNode) || bad(Kind::kSrv6Node);
}

}  // namespace sextant::kubernetes
