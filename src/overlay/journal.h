// A map that remembers what its entries were, so that a change of many steps ends in the difference
// it made.
#pragma once

#include <map>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

namespace sextant::overlay {

template <typename Key, typename Value>
class Journal {
 public:
  explicit Journal(std::map<Key, Value>& map) : map_(map) {}

  void set(const Key& key, const Value& value) {
    const auto [entry, added] = map_.try_emplace(key, value);
    if (added) {
      before_.try_emplace(key, std::nullopt);
    } else if (entry->second != value) {
      before_.try_emplace(key, std::exchange(entry->second, value));
    }
  }

  void erase(const Key& key) {
    auto entry = map_.extract(key);
    if (entry) before_.try_emplace(key, std::move(entry.mapped()));
  }

  /// Entries of `before` that `after` does not have.
  void erase_missing(const std::map<Key, Value>& before, const std::map<Key, Value>& after) {
    for (const auto& [key, value] : before) {
      if (!after.contains(key)) erase(key);
    }
  }
  void erase_missing(const std::vector<Key>& before, const std::map<Key, Value>& after) {
    for (const auto& key : before) {
      if (!after.contains(key)) erase(key);
    }
  }

  void set_all(const std::map<Key, Value>& entries) {
    for (const auto& [key, value] : entries) set(key, value);
  }

  /// What is another value now than at first; none: it is gone.
  [[nodiscard]] std::map<Key, std::optional<Value>> difference() const {
    std::map<Key, std::optional<Value>> result;
    for (const auto& [key, value] : before_) {
      const auto entry = map_.find(key);
      if (entry == map_.end()) {
        if (value) result.emplace(key, std::nullopt);
      } else if (value != entry->second) {
        result.emplace(key, entry->second);
      }
    }
    return result;
  }

 private:
  std::map<Key, Value>& map_;
  // In blocks of its own: single entries between those of map_, which stay, would leave holes.
  std::pmr::monotonic_buffer_resource blocks_;
  std::pmr::map<Key, std::optional<Value>> before_{&blocks_};
};

}  // namespace sextant::overlay
