#include "injector/backend.h"

#include "injector/difference.h"

namespace sextant::injector {

Result<void> Backend::replace(const std::vector<InjectedPolicy>& policies) {
  const auto reports = list();
  if (!reports) return tl::unexpected(reports.error());
  std::vector<InjectedPolicy> present;
  for (const auto& report : *reports) present.push_back(report.policy);
  const auto different = difference(present, policies);
  if (const auto announcements = different.announcements(); !announcements.empty()) {
    if (auto done = announce(announcements); !done) return done;
  }
  if (different.removed.empty()) return {};
  return withdraw(different.withdrawals());
}

}  // namespace sextant::injector
