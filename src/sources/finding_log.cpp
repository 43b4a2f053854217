#include "sources/finding_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace sextant::sources {

void FindingLog::update(std::vector<Finding> findings) {
  std::ranges::sort(findings);
  std::vector<Finding> news;
  std::ranges::set_difference(findings, logged_, std::back_inserter(news));
  for (const auto& finding : news) {
    const auto& problem = finding.problem;
    const auto object = problem.object.to_string();
    const log::Fields fields{
        {"object", object}, {"location", problem.location}, {"reason", problem.reason}};
    finding.severity == Severity::kError ? log::error(fields, "{}", finding.text())
                                         : log::warn(fields, "{}", finding.text());
  }
  logged_ = std::move(findings);
}

}  // namespace sextant::sources
