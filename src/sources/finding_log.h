// Logs findings once, as they appear.
#pragma once

#include <vector>

#include "sources/finding.h"

namespace sextant::sources {

class FindingLog {
 public:
  /// `findings` are all there are now, in any order; those that were not there before are logged.
  void update(std::vector<Finding> findings);

 private:
  std::vector<Finding> logged_;  // sorted
};

}  // namespace sextant::sources
