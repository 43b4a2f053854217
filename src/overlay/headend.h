// This node in its role as a headend, and which nodes a policy takes for its headends.
#pragma once

#include <vector>

#include "overlay/resolver.h"
#include "overlay/validation.h"

namespace sextant::overlay {

[[nodiscard]] bool selects(const HeadendSelector& selector, const Node& node);

/// This node, as far as it can be a headend.
struct Headend {
  const Node* node = nullptr;        // null: not in the intent
  const NodeFacts* facts = nullptr;  // null likewise
  /// Without an address of its own it cannot encapsulate.
  [[nodiscard]] bool can_encapsulate() const { return facts != nullptr && facts->endpoint; }
};

/// What this node lacks to take part.
[[nodiscard]] std::vector<Problem> headend_problems(const Headend& headend,
                                                    const Settings& settings);

}  // namespace sextant::overlay
