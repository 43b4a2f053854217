#include "sources/intent_store.h"

#include <algorithm>
#include <utility>

namespace sextant::sources {
namespace {

constexpr std::string_view kConfigMap = "ConfigMap";
constexpr std::string_view kNode = "Node";
constexpr std::string_view kSrv6Node = "SRv6Node";
constexpr std::string_view kSrv6Locator = "SRv6Locator";

Finding contradiction(const Object& object, std::string reason) {
  return {Severity::kError, {object.key, object.location, std::move(reason)}};
}

template <typename T>
void append_new(std::vector<T>& to, const std::vector<T>& from) {
  for (const auto& value : from) {
    if (std::ranges::find(to, value) == to.end()) to.push_back(value);
  }
}

/// Order does not matter for pod prefixes of many, so the search for what is there already is a
/// sort.
void append_new(std::vector<overlay::PodPrefix>& to, const std::vector<overlay::PodPrefix>& from) {
  if (to.empty() || from.empty()) {
    to.insert(to.end(), from.begin(), from.end());
    return;
  }
  std::set<overlay::PodPrefix> known(to.begin(), to.end());
  for (const auto& prefix : from) {
    if (known.insert(prefix).second) to.push_back(prefix);
  }
}

/// Takes over what a further ConfigMap fixes; says so where an earlier one fixed something else.
void take_sids(overlay::FixedSids& to, const Object& object, std::vector<Finding>& findings) {
  const auto take = [&](std::optional<srv6::Sid>& known, const std::optional<srv6::Sid>& more,
                        const char* name) {
    if (!more) return;
    if (known && *known != *more) {
      findings.push_back(contradiction(
          object, std::string(name) + " " + more->to_string() + " of node " + object.node->node +
                      " is ignored: another ConfigMap fixes " + known->to_string()));
    } else {
      known = more;
    }
  };
  take(to.dt4, object.node->sids.dt4, "DT4");
  take(to.dt6, object.node->sids.dt6, "DT6");
}

void override_sids(overlay::FixedSids& onto, const overlay::FixedSids& by) {
  for (const auto member : {&overlay::FixedSids::end, &overlay::FixedSids::dt4,
                            &overlay::FixedSids::dt6, &overlay::FixedSids::dt46}) {
    if (by.*member) onto.*member = by.*member;
  }
}

}  // namespace

void IntentStore::set(const overlay::ObjectKey& key, std::shared_ptr<const Object> object) {
  const auto found = objects_.find(key);
  const auto before = found == objects_.end() ? nullptr : found->second;
  if (before == object) return;
  if (before != nullptr) {
    if (before->node) {
      const auto parts = parts_.find(before->node->node);
      parts->second.erase(key);
      if (parts->second.empty()) parts_.erase(parts);
      touched_nodes_.insert(before->node->node);
    }
    for (const auto& policy : before->policies) change_.policies[policy.key] = std::nullopt;
  }
  if (object == nullptr) {
    if (found != objects_.end()) objects_.erase(found);
    return;
  }
  if (object->node) {
    parts_[object->node->node][key] = object;
    touched_nodes_.insert(object->node->node);
  }
  for (const auto& policy : object->policies) change_.policies[policy.key] = policy;
  objects_[key] = std::move(object);
}

std::optional<overlay::Node> IntentStore::merge(const std::string& name,
                                                std::vector<Finding>& findings) const {
  const auto parts = parts_.find(name);
  if (parts == parts_.end()) return std::nullopt;
  const Object* node = nullptr;
  const Object* srv6_node = nullptr;
  const Object* claim = nullptr;
  std::vector<const Object*> config_maps;
  for (const auto& [key, object] : parts->second) {
    if (key.kind == kNode) node = object.get();
    if (key.kind == kSrv6Node) srv6_node = object.get();
    if (key.kind == kSrv6Locator && claim == nullptr) claim = object.get();
    if (key.kind == kConfigMap) config_maps.push_back(object.get());
  }
  if (node == nullptr && srv6_node == nullptr) {
    for (const auto* object : config_maps) {
      findings.push_back(
          {Severity::kWarning,
           {object->key, object->location,
            "there is no Node or SRv6Node '" + name + "' yet; its SIDs wait for it"}});
    }
    return std::nullopt;
  }

  overlay::Node merged;
  merged.name = name;
  merged.location = node != nullptr ? node->location : srv6_node->location;
  for (const auto* object : {srv6_node, node}) {
    if (object == nullptr) continue;
    const auto& part = *object->node;
    merged.labels.insert(part.labels.begin(), part.labels.end());
    append_new(merged.addresses, part.addresses);
    append_new(merged.pod_prefixes, part.pod_prefixes);
    override_sids(merged.sids, part.sids);
    if (!merged.locator) {
      merged.locator = part.locator;
    } else if (part.locator && part.locator->prefix() != merged.locator->prefix()) {
      findings.push_back(
          contradiction(*object, "the locator annotation " + part.locator->to_string() +
                                     " is ignored: SRv6Node/" + name + " has the locator " +
                                     merged.locator->to_string()));
    }
  }
  if (srv6_node != nullptr && srv6_node->node->reach) {
    merged.reach = *srv6_node->node->reach;
  } else if (node != nullptr && node->node->reach) {
    merged.reach = *node->node->reach;
  }
  if (!merged.locator && claim != nullptr) {
    merged.locator = claim->node->locator;
    const bool said =
        (srv6_node != nullptr && srv6_node->node->reach) || (node != nullptr && node->node->reach);
    if (!said) merged.reach = claim->node->reach.value_or(merged.reach);
  }
  overlay::FixedSids fixed;
  for (const auto* object : config_maps) take_sids(fixed, *object, findings);
  override_sids(merged.sids, fixed);
  return merged;
}

overlay::IntentChange IntentStore::take_change() {
  overlay::IntentChange change;
  for (auto& [key, policy] : std::exchange(change_.policies, {})) {
    const auto known = intent_.policies.find(key);
    if (!policy) {
      if (known == intent_.policies.end()) continue;
      intent_.policies.erase(known);
    } else if (known == intent_.policies.end()) {
      intent_.policies.emplace(key, *policy);
    } else if (known->second != *policy) {
      known->second = *policy;
    } else {
      continue;
    }
    change.policies.emplace(key, std::move(policy));
  }
  for (const auto& name : std::exchange(touched_nodes_, {})) {
    std::vector<Finding> findings;
    auto node = merge(name, findings);
    if (findings.empty()) {
      findings_.erase(name);
    } else {
      findings_[name] = std::move(findings);
    }
    const auto known = intent_.nodes.find(name);
    if (!node) {
      if (known == intent_.nodes.end()) continue;
      intent_.nodes.erase(known);
    } else if (known == intent_.nodes.end()) {
      intent_.nodes.emplace(name, *node);
    } else if (known->second != *node) {
      known->second = *node;
    } else {
      continue;
    }
    change.nodes.emplace(name, std::move(node));
  }
  return change;
}

}  // namespace sextant::sources
