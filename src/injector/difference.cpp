#include "injector/difference.h"

#include <map>

namespace sextant::injector {
namespace {

using ByKey = std::map<PolicyKey, const InjectedPolicy*>;

ByKey by_key(const std::vector<InjectedPolicy>& policies) {
  ByKey found;
  for (const auto& policy : policies) found.emplace(policy.key, &policy);
  return found;
}

}  // namespace

std::vector<InjectedPolicy> Difference::announcements() const {
  auto all = added;
  all.insert(all.end(), changed.begin(), changed.end());
  return all;
}

std::vector<PolicyKey> Difference::withdrawals() const {
  std::vector<PolicyKey> keys;
  for (const auto& policy : removed) keys.push_back(policy.key);
  return keys;
}

Difference difference(const std::vector<InjectedPolicy>& present,
                      const std::vector<InjectedPolicy>& wanted) {
  Difference result;
  const auto before = by_key(present);
  const auto after = by_key(wanted);
  for (const auto& [key, policy] : after) {
    const auto found = before.find(key);
    if (found == before.end()) {
      result.added.push_back(*policy);
    } else if (spelled_out(*found->second) != spelled_out(*policy)) {
      result.changed.push_back(*policy);
    } else {
      ++result.unchanged;
    }
  }
  for (const auto& [key, policy] : before)
    if (!after.contains(key)) result.removed.push_back(*policy);
  return result;
}

}  // namespace sextant::injector
