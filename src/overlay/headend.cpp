#include "overlay/headend.h"

#include <algorithm>

namespace sextant::overlay {

bool selects(const HeadendSelector& selector, const Node& node) {
  if (!selector.names.empty() && !std::ranges::count(selector.names, node.name)) return false;
  return std::ranges::all_of(selector.match_labels, [&](const auto& wanted) {
    const auto label = node.labels.find(wanted.first);
    return label != node.labels.end() && label->second == wanted.second;
  });
}

std::vector<Problem> headend_problems(const Headend& headend, const Settings& settings) {
  if (headend.node == nullptr) {
    return {
        {{"Node", settings.node}, {}, "this node is not described: the overlay does nothing here"}};
  }
  std::vector<Problem> problems;
  if (!headend.facts->endpoint) {
    problems.push_back(node_problem(
        *headend.node, "this node has no usable IPv6 address: it sends nothing into the overlay"));
  }
  if (!headend.facts->locator) {
    problems.push_back(node_problem(
        *headend.node, "this node has no usable locator: it receives nothing from the overlay"));
  }
  return problems;
}

}  // namespace sextant::overlay
