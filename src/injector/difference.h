// What replacing announced policies by others means. Pure.
#pragma once

#include <vector>

#include "injector/injected_policy.h"

namespace sextant::injector {

struct Difference {
  std::vector<InjectedPolicy> added = {};
  std::vector<InjectedPolicy> changed = {};  // as they are to be
  std::vector<InjectedPolicy> removed = {};
  std::size_t unchanged = 0;
  [[nodiscard]] bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
  /// Those that are to be announced: added, then changed.
  [[nodiscard]] std::vector<InjectedPolicy> announcements() const;
  [[nodiscard]] std::vector<PolicyKey> withdrawals() const;
};

/// By key; each part in the order of keys. Precondition: no two policies of one side have one key.
[[nodiscard]] Difference difference(const std::vector<InjectedPolicy>& present,
                                    const std::vector<InjectedPolicy>& wanted);

}  // namespace sextant::injector
