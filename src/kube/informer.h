// A local copy of all objects of a resource, as values of the caller's type.
//
//   Informer<Node> nodes(client, kNodes, {}, decode_node, [](std::span<const Change<Node>> changes)
//   {...}); nodes.start();
//
// The JSON is decoded at once and not kept. The cache is up to date when the callback runs; the
// callback runs on the loop and must not destroy the informer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kube/reflector.h"

namespace sextant::kube {

template <typename T>
struct Change {
  std::string key;               // "namespace/name"; "name" where cluster-scoped
  std::shared_ptr<const T> now;  // null: gone
};

template <typename T>
class Informer {
 public:
  using Objects = std::map<std::string, std::shared_ptr<const T>>;
  using Decode = std::function<T(const boost::json::object&)>;
  /// The first list is one batch, also when it is empty; later ones are never empty.
  using OnChanges = std::function<void(std::span<const Change<T>>)>;

  Informer(Client& client, Resource resource, InformerOptions options, Decode decode,
           OnChanges on_changes)
      : on_changes_(std::move(on_changes)),
        reflector_(
            client, std::move(resource), std::move(options),
            [decode = std::move(decode)](const boost::json::object& object) {
              return std::static_pointer_cast<const void>(
                  std::make_shared<const T>(decode(object)));
            },
            [this](std::vector<UntypedChange>&& changes) { take(std::move(changes)); }) {}

  void start() { reflector_.start(); }
  void ask_now() { reflector_.ask_now(); }
  [[nodiscard]] bool synced() const { return reflector_.health().synced; }
  [[nodiscard]] const InformerHealth& health() const { return reflector_.health(); }
  [[nodiscard]] const Objects& objects() const { return objects_; }
  /// Null: there is none.
  [[nodiscard]] std::shared_ptr<const T> find(const std::string& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }

 private:
  void take(std::vector<UntypedChange>&& untyped) {
    std::vector<Change<T>> changes;
    changes.reserve(untyped.size());
    for (auto& change : untyped) {
      auto now = std::static_pointer_cast<const T>(std::move(change.now));
      if (now)
        objects_[change.key] = now;
      else
        objects_.erase(change.key);
      changes.push_back({std::move(change.key), std::move(now)});
    }
    if (on_changes_) on_changes_(changes);
  }

  Objects objects_;
  OnChanges on_changes_;
  Reflector reflector_;  // last: it calls into what stands above
};

}  // namespace sextant::kube
