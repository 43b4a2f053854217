// What the data plane counts, as /metrics shows it: policies, segment lists, plain paths, local
// SIDs, drops at the edge of the SID domain.
#pragma once

#include <map>

#include "agent/metric_text.h"
#include "agent/policy_labels.h"
#include "agent/reconciler.h"

namespace sextant::agent {

/// Plain paths lead to every node of the cluster, so they are one series a family and not one a
/// node. The sum goes on when a path ends, and counts from the agent's start: were it begun with
/// what paths carried before, the end of one while no agent ran would look like traffic.
class PlainTraffic {
 public:
  /// Adds what was counted since the last time. `baseline`: that is not ours, only remembered.
  void take(const dataplane::Counters& counters, bool baseline);
  [[nodiscard]] const dataplane::Count& total(Family family) const {
    return family == Family::kIpv4 ? ipv4_ : ipv6_;
  }

 private:
  std::map<overlay::PathKey, dataplane::Count> last_;
  dataplane::Count ipv4_, ipv6_;
};

void write_traffic(MetricText& text, const Reconciler& reconciler,
                   const std::vector<LabelledPolicy>& policies, const dataplane::Counters& counters,
                   const PlainTraffic& plain, bool per_node);

}  // namespace sextant::agent
