#include "overlay/headend_index.h"

#include <algorithm>

namespace sextant::overlay {

void HeadendIndex::update_node(const Node* old_node, const Node* new_node,
                               std::set<ObjectKey>& changed) {
  if (old_node != nullptr) {
    for (const auto& label : old_node->labels) {
      const auto nodes = nodes_by_label_.find(label);
      nodes->second.erase(old_node->name);
      if (nodes->second.empty()) nodes_by_label_.erase(nodes);
    }
  }
  if (new_node != nullptr) {
    for (const auto& label : new_node->labels) nodes_by_label_[label].insert(new_node->name);
    const auto unmatched = unmatched_;
    for (auto* entry : unmatched) {
      if (!selects(entry->first, *new_node)) continue;
      set_witness(*entry, new_node->name);
      changed.insert(entry->second.policies.begin(), entry->second.policies.end());
    }
  }
  if (old_node == nullptr) return;
  const auto witnessed = by_witness_.find(old_node->name);
  if (witnessed == by_witness_.end()) return;
  const auto entries = witnessed->second;
  for (auto* entry : entries) {
    if (new_node != nullptr && selects(entry->first, *new_node)) continue;
    set_witness(*entry, find_witness(entry->first));
    if (!entry->second.witness) {
      changed.insert(entry->second.policies.begin(), entry->second.policies.end());
    }
  }
}

void HeadendIndex::add(const HeadendSelector& selector, const ObjectKey& policy) {
  const auto [entry, added] = entries_.try_emplace(selector);
  if (added) {
    unmatched_.insert(&*entry);
    set_witness(*entry, find_witness(selector));
  }
  entry->second.policies.insert(policy);
}

void HeadendIndex::remove(const HeadendSelector& selector, const ObjectKey& policy) {
  const auto entry = entries_.find(selector);
  entry->second.policies.erase(policy);
  if (!entry->second.policies.empty()) return;
  set_witness(*entry, std::nullopt);
  unmatched_.erase(&*entry);
  entries_.erase(entry);
}

bool HeadendIndex::selects_any(const HeadendSelector& selector) const {
  return entries_.at(selector).witness.has_value();
}

std::optional<std::string> HeadendIndex::find_witness(const HeadendSelector& selector) const {
  if (!selector.names.empty()) {
    for (const auto& name : selector.names) {
      const auto node = nodes_.find(name);
      if (node != nodes_.end() && selects(selector, node->second)) return name;
    }
    return std::nullopt;
  }
  if (selector.match_labels.empty()) {
    if (nodes_.empty()) return std::nullopt;
    return nodes_.begin()->first;
  }
  const std::set<std::string>* fewest = nullptr;
  for (const auto& label : selector.match_labels) {
    const auto nodes = nodes_by_label_.find(label);
    if (nodes == nodes_by_label_.end()) return std::nullopt;
    if (fewest == nullptr || nodes->second.size() < fewest->size()) fewest = &nodes->second;
  }
  const auto found = std::ranges::find_if(
      *fewest, [&](const auto& name) { return selects(selector, nodes_.at(name)); });
  if (found == fewest->end()) return std::nullopt;
  return *found;
}

void HeadendIndex::set_witness(Entries::value_type& entry, std::optional<std::string> witness) {
  auto& current = entry.second.witness;
  if (current) {
    const auto witnessed = by_witness_.find(*current);
    witnessed->second.erase(&entry);
    if (witnessed->second.empty()) by_witness_.erase(witnessed);
  } else {
    unmatched_.erase(&entry);
  }
  current = std::move(witness);
  if (current) {
    by_witness_[*current].insert(&entry);
  } else {
    unmatched_.insert(&entry);
  }
}

}  // namespace sextant::overlay
