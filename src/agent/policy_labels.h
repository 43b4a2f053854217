// What names a policy in every metric about it.
#pragma once

#include <vector>

#include "agent/metric_text.h"
#include "overlay/resolver.h"

namespace sextant::agent {

struct LabelledPolicy {
  Labels labels;  // policy (its objects' names), color, endpoint, endpoint_node, family
  const overlay::PolicyStatus* policy = nullptr;
};

/// Of all policies of the headend; points into the resolver.
[[nodiscard]] std::vector<LabelledPolicy> labelled_policies(const overlay::Resolver& resolver);

}  // namespace sextant::agent
