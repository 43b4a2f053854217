// What is to be written of a named set that changes element by element.
#pragma once

#include "dataplane/linux/nft_text.h"

namespace sextant::dataplane {

/// Elements that enter and leave a set.
struct SetChange {
  PrefixSet added, removed;
  [[nodiscard]] bool empty() const { return added.empty() && removed.empty(); }
};

// One element more or less in `present`, and so in the pending change.
inline void enter(const IpPrefix& prefix, PrefixSet& present, SetChange& change) {
  if (!present.insert(prefix).second) return;
  if (change.removed.erase(prefix) == 0) change.added.insert(prefix);
}
inline void leave(const IpPrefix& prefix, PrefixSet& present, SetChange& change) {
  if (present.erase(prefix) == 0) return;
  if (change.added.erase(prefix) == 0) change.removed.insert(prefix);
}
inline void become(const PrefixSet& wanted, PrefixSet& present, SetChange& change) {
  const auto before = present;
  for (const auto& prefix : before) {
    if (!wanted.contains(prefix)) leave(prefix, present, change);
  }
  for (const auto& prefix : wanted) enter(prefix, present, change);
}

}  // namespace sextant::dataplane
