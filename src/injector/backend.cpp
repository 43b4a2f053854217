#include "injector/backend.h"

#include <algorithm>
#include <set>

namespace sextant::injector {

Result<void> Backend::replace(const std::vector<InjectedPolicy>& policies) {
  const auto present = list();
  if (!present) return tl::unexpected(present.error());
  std::set<PolicyKey> wanted;
  for (const auto& policy : policies) wanted.insert(policy.key);
  std::vector<InjectedPolicy> different;
  std::vector<PolicyKey> unwanted;
  for (const auto& policy : policies) {
    const auto same = [&](const PolicyReport& report) { return report.policy == policy; };
    if (std::ranges::none_of(*present, same)) different.push_back(policy);
  }
  for (const auto& report : *present)
    if (!wanted.contains(report.policy.key)) unwanted.push_back(report.policy.key);
  if (!different.empty()) {
    if (auto done = announce(different); !done) return done;
  }
  if (unwanted.empty()) return {};
  return withdraw(unwanted);
}

}  // namespace sextant::injector
