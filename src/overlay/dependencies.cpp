#include "overlay/dependencies.h"

#include <utility>

namespace sextant::overlay {
namespace {

template <typename Key>
void link(std::map<Key, std::set<ObjectKey>>& index, const std::set<Key>& keys,
          const ObjectKey& policy) {
  for (const auto& key : keys) index[key].insert(policy);
}

template <typename Key>
void unlink(std::map<Key, std::set<ObjectKey>>& index, const std::set<Key>& keys,
            const ObjectKey& policy) {
  for (const auto& key : keys) {
    const auto policies = index.find(key);
    policies->second.erase(policy);
    if (policies->second.empty()) index.erase(policies);
  }
}

template <typename Key>
void collect_at(const std::map<Key, std::set<ObjectKey>>& index, const Key& key,
                std::set<ObjectKey>& policies) {
  const auto found = index.find(key);
  if (found != index.end()) policies.insert(found->second.begin(), found->second.end());
}

bool look_alike(const NodeFacts& a, const NodeFacts& b) {
  return a.router == b.router && a.addresses == b.addresses && a.locator == b.locator &&
         a.end == b.end && a.dt4 == b.dt4 && a.dt6 == b.dt6 && a.dt46 == b.dt46 &&
         a.service_ipv4 == b.service_ipv4 && a.service_ipv6 == b.service_ipv6;
}

}  // namespace

Dependencies::Keys Dependencies::keys_of(const Policy& policy, const Directory& nodes) {
  Keys keys;
  if (const auto* name = std::get_if<std::string>(&policy.endpoint)) {
    keys.names.insert(*name);
  } else {
    keys.addresses.insert(std::get<IpAddress>(policy.endpoint));
  }
  if (policy.binding_sid) keys.sids.insert(*policy.binding_sid);
  for (const auto& path : policy.paths) {
    for (const auto& list : path.lists) {
      for (const auto& segment : list.segments) {
        if (const auto* sid = std::get_if<srv6::Sid>(&segment)) {
          keys.sids.insert(*sid);
          continue;
        }
        const auto& name = std::get<std::string>(segment);
        keys.names.insert(name);
        const auto* node = nodes.find(name);
        // A router's may lie in another node's locator.
        if (node != nullptr && node->end) keys.sids.insert(*node->end);
      }
    }
  }
  return keys;
}

void Dependencies::set(const Policy& policy, const Directory& nodes) {
  remove(policy.key);
  auto keys = keys_of(policy, nodes);
  link(by_name_, keys.names, policy.key);
  link(by_address_, keys.addresses, policy.key);
  link(by_sid_, keys.sids, policy.key);
  keys_.emplace(policy.key, std::move(keys));
}

void Dependencies::remove(const ObjectKey& policy) {
  const auto keys = keys_.find(policy);
  if (keys == keys_.end()) return;
  unlink(by_name_, keys->second.names, policy);
  unlink(by_address_, keys->second.addresses, policy);
  unlink(by_sid_, keys->second.sids, policy);
  keys_.erase(keys);
}

void Dependencies::collect(const NodeFacts* before, const NodeFacts* after,
                           std::set<ObjectKey>& policies) const {
  if (before != nullptr && after != nullptr && look_alike(*before, *after)) return;
  for (const auto* node : {before, after}) {
    if (node == nullptr) continue;
    collect_at(by_name_, node->name, policies);
    for (const auto& address : node->addresses) {
      collect_at(by_address_, address, policies);
      if (address.is_v6()) collect_at(by_sid_, srv6::Sid(address.v6()), policies);
    }
    for (const auto& sid : {node->end, node->dt4, node->dt6, node->dt46}) {
      if (sid) collect_at(by_sid_, *sid, policies);
    }
    if (!node->locator) continue;
    const auto& locator = node->locator->prefix();
    for (auto sid = by_sid_.lower_bound(srv6::Sid(locator.address().v6()));
         sid != by_sid_.end() && node->locator->contains(sid->first); ++sid) {
      policies.insert(sid->second.begin(), sid->second.end());
    }
  }
}

}  // namespace sextant::overlay
