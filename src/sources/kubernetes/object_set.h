// The objects of a cluster as Intent: what KubernetesSource follows, without the network. Pure.
//
// What is bad never takes the place of what is good: an object that cannot be read any more keeps
// its last good form for as long as it is the same object (by uid); the others are not touched.
// What is gone is gone.
#pragma once

#include <array>
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/intent_store.h"
#include "sources/kubernetes/watched_kinds.h"
#include "sources/object.h"

namespace sextant::kubernetes {

/// What status and events need of an object besides what it wants.
struct ObjectMeta {
  std::string uid;
  std::string ns;  // empty: cluster-scoped
  std::int64_t generation = 0;
  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

struct KnownObject {
  ObjectMeta meta;  // not of Calico's, nor of ConfigMaps that are not ours
  std::shared_ptr<const sources::Object> good;  // null: never read, or not ours
  std::vector<sources::Finding> findings;
};

class ObjectSet {
 public:
  explicit ObjectSet(sources::Ipam ipam) : store_(ipam) {}

  /// Reads an object for put(). The one that is known already where it says nothing else.
  [[nodiscard]] std::shared_ptr<const KnownObject> read(Kind kind,
                                                        const boost::json::object& json) const;
  /// Null: it is gone.
  void put(Kind kind, const std::string& name, std::shared_ptr<const KnownObject> object);

  /// What the calls of put() since the last take_change() mean; intent() has it applied.
  [[nodiscard]] overlay::IntentChange take_change();
  /// Whether put() brought anything since the last call, be it only a new generation.
  [[nodiscard]] bool take_news() { return std::exchange(news_, false); }

  [[nodiscard]] const overlay::Intent& intent() const { return store_.intent(); }
  [[nodiscard]] const sources::Peering& peering() const { return store_.peering(); }
  [[nodiscard]] sources::Ipam ipam() const { return store_.ipam(); }
  [[nodiscard]] overlay::ObjectKey locator_object(const std::string& node) const {
    return store_.locator_object(node);
  }
  [[nodiscard]] std::size_t count(Kind kind) const { return of(kind).size(); }
  /// Errors first, then by object and place.
  [[nodiscard]] std::vector<sources::Finding> findings() const;
  [[nodiscard]] std::vector<sources::Finding> findings_of(const overlay::ObjectKey& object) const;
  /// Null: there is no such object, or not of a kind that has it.
  [[nodiscard]] const ObjectMeta* meta(const overlay::ObjectKey& object) const;
  [[nodiscard]] std::map<std::string, ObjectMeta> metas(const std::string& kind) const;
  /// Whether the node's own Node or SRv6Node is there and was never readable.
  [[nodiscard]] bool unreadable(const std::string& node) const;

 private:
  using Objects = std::map<std::string, std::shared_ptr<const KnownObject>>;
  [[nodiscard]] const Objects& of(Kind kind) const {
    return objects_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] const KnownObject* find(Kind kind, const std::string& name) const;
  [[nodiscard]] const KnownObject* find(const overlay::ObjectKey& key) const;

  std::array<Objects, kKinds> objects_;
  std::set<std::pair<Kind, std::string>> troubled_;  // that have findings
  sources::IntentStore store_;
  bool news_ = false;
};

}  // namespace sextant::kubernetes
