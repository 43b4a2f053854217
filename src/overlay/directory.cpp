#include "overlay/directory.h"

#include <utility>

namespace sextant::overlay {

void Directory::put(NodeFacts facts) {
  for (const auto& address : facts.addresses) by_address_.insert_or_assign(address, facts.name);
  if (facts.locator) by_locator_[facts.locator->prefix()] = facts.name;
  for (const auto& sid : {facts.end, facts.dt4, facts.dt6, facts.dt46}) {
    if (sid) by_sid_[*sid].insert(facts.name);
  }
  auto name = facts.name;
  nodes_.insert_or_assign(std::move(name), std::move(facts));
}

void Directory::erase(const std::string& name) {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) return;
  const auto& facts = node->second;
  for (const auto& address : facts.addresses) by_address_.erase(address);
  if (facts.locator) by_locator_.erase(facts.locator->prefix());
  for (const auto& sid : {facts.end, facts.dt4, facts.dt6, facts.dt46}) {
    if (!sid) continue;
    const auto names = by_sid_.find(*sid);
    names->second.erase(name);
    if (names->second.empty()) by_sid_.erase(names);
  }
  nodes_.erase(node);
}

const NodeFacts* Directory::find(const std::string& name) const {
  const auto node = nodes_.find(name);
  return node == nodes_.end() ? nullptr : &node->second;
}

const NodeFacts* Directory::by_address(const IpAddress& address) const {
  const auto name = by_address_.find(address);
  return name == by_address_.end() ? nullptr : find(name->second);
}

const NodeFacts* Directory::by_locator(const srv6::Sid& sid) const {
  const NodeFacts* found = nullptr;
  by_locator_.visit_overlapping(IpPrefix::host(sid.address()),
                                [&](const IpPrefix&, const std::string& name) {
                                  found = find(name);
                                  return false;
                                });
  return found;
}

const NodeFacts* Directory::by_sid(const srv6::Sid& sid) const {
  const auto names = by_sid_.find(sid);
  return names == by_sid_.end() ? nullptr : find(*names->second.begin());
}

}  // namespace sextant::overlay
