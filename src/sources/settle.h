// One entry of a state made as it is wanted, and noted in a change where that changed it.
#pragma once

#include <map>
#include <optional>
#include <utility>

namespace sextant::sources {

/// `wanted`: none removes the entry. Cost: of the entry.
template <typename Key, typename T>
void settle(const Key& key, std::optional<T> wanted, std::map<Key, T>& state,
            std::map<Key, std::optional<T>>& change) {
  const auto known = state.find(key);
  if (!wanted) {
    if (known == state.end()) return;
    state.erase(known);
  } else if (known == state.end()) {
    state.emplace(key, *wanted);
  } else if (known->second != *wanted) {
    known->second = *wanted;
  } else {
    return;
  }
  change.insert_or_assign(key, std::move(wanted));
}

/// All of `wishes`, of which none stays.
template <typename Key, typename T>
void settle(std::map<Key, std::optional<T>>& wishes, std::map<Key, T>& state,
            std::map<Key, std::optional<T>>& change) {
  for (auto& [key, wanted] : wishes) settle(key, std::move(wanted), state, change);
  wishes.clear();
}

}  // namespace sextant::sources
