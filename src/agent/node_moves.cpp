#include "agent/node_moves.h"

namespace sextant::agent {
namespace {

bool moves(const overlay::Node& before, const overlay::Node& after) {
  return before.locator && after.locator && !before.pod_prefixes.empty() &&
         (before.locator != after.locator || before.sids != after.sids);
}

}  // namespace

void NodeMoves::hold_back(overlay::IntentChange& change, const overlay::Intent& current,
                          Clock::time_point now) {
  for (auto next = change.nodes.begin(); next != change.nodes.end();) {
    const auto entry = next++;
    const auto& [name, node] = *entry;
    const auto held = held_.find(name);
    if (!node) {  // it is gone: there is nobody to wait for
      if (held != held_.end()) held_.erase(held);
      continue;
    }
    const auto before = current.nodes.find(name);
    if (name == self_ || before == current.nodes.end() || !moves(before->second, *node)) {
      if (held != held_.end()) held_.erase(held);  // it was moved back
      continue;
    }
    if (held != held_.end()) {
      held->second.node = *node;
    } else {
      held_.emplace(name, Held{*node, now + kPause});
    }
    change.nodes.erase(entry);
  }
}

overlay::IntentChange NodeMoves::due(Clock::time_point now) {
  overlay::IntentChange change;
  std::erase_if(held_, [&](const auto& each) {
    if (each.second.end > now) return false;
    change.nodes.emplace(each.first, each.second.node);
    return true;
  });
  return change;
}

std::optional<Clock::time_point> NodeMoves::next() const {
  std::optional<Clock::time_point> first;
  for (const auto& [name, held] : held_)
    if (!first || held.end < *first) first = held.end;
  return first;
}

}  // namespace sextant::agent
