#include "sources/intent_store.h"

#include <algorithm>
#include <utility>

#include "sources/settle.h"

namespace sextant::sources {
namespace {

constexpr std::string_view kConfigMap = "ConfigMap";
constexpr std::string_view kNode = "Node";
constexpr std::string_view kSrv6Node = "SRv6Node";
constexpr std::string_view kSrv6Locator = "SRv6Locator";
constexpr std::string_view kIpPool = "IPPool";
constexpr std::string_view kBlockAffinity = "BlockAffinity";

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

/// The first of the objects, which come in the order of their precedence, that has a locator; and
/// the first word on who carries it. Null: there is no such object.
void take_locator(std::initializer_list<const Object*> objects, overlay::Node& node,
                  std::vector<Finding>& findings) {
  const Object* from = nullptr;
  std::optional<overlay::LocatorReach> reach;
  for (const auto* object : objects) {
    if (object == nullptr) continue;
    const auto& part = *object->node;
    if (part.locator && from == nullptr) {
      from = object;
      node.locator = part.locator;
    } else if (part.locator && part.locator->prefix() != node.locator->prefix() &&
               object->key.kind == kNode) {
      findings.push_back(contradiction(
          *object, "the locator annotation " + part.locator->to_string() + " is ignored: " +
                       from->key.to_string() + " has the locator " + node.locator->to_string()));
    }
    // A claim's word is about its own block only.
    if (!reach && (object->key.kind != kSrv6Locator || from == object)) reach = part.reach;
  }
  node.reach = reach.value_or(node.reach);
}

overlay::ObjectKey pool_key(const Object& object, std::size_t index) {
  const bool several = object.sid_prefixes.size() > 1;
  return {object.key.kind,
          object.key.name + (several ? "[" + std::to_string(index) + "]" : std::string())};
}

bool is_block_affinity(const Object& object) {
  return object.key.kind == kBlockAffinity && object.node;
}

}  // namespace

void IntentStore::set(const overlay::ObjectKey& key, std::shared_ptr<const Object> object) {
  const auto found = objects_.find(key);
  const auto before = found == objects_.end() ? nullptr : found->second;
  if (before == object) return;
  if (before != nullptr) leave(*before);
  if (object != nullptr) {
    enter(object);
    objects_[key] = std::move(object);
  } else if (found != objects_.end()) {
    objects_.erase(found);
  }
}

void IntentStore::leave(const Object& object) {
  const auto forget = [&](const std::string& node) {
    touched_nodes_.insert(node);
    const auto parts = parts_.find(node);
    if (parts == parts_.end()) return;
    parts->second.erase(object.key);
    if (parts->second.empty()) parts_.erase(parts);
  };
  if (object.node) forget(object.node->node);
  for (const auto& lent : object.lent) forget(lent.node);
  for (const auto& policy : object.policies) change_.policies[policy.key] = std::nullopt;
  for (std::size_t i = 0; i < object.sid_prefixes.size(); ++i) {
    const auto& prefix = object.sid_prefixes[i];
    change_.sid_prefixes[pool_key(object, i)] = std::nullopt;
    if (--sid_prefixes_[prefix] == 0) sid_prefixes_.erase(prefix);
    pools_changed_ = true;
  }
  if (is_block_affinity(object)) --block_affinities_;
  if (object.bgp) peering_.erase(object.key.name, *object.bgp);
}

void IntentStore::enter(const std::shared_ptr<const Object>& object) {
  const auto remember = [&](const std::string& node) {
    touched_nodes_.insert(node);
    parts_[node][object->key] = object;
  };
  if (object->node) remember(object->node->node);
  for (const auto& lent : object->lent) remember(lent.node);
  for (const auto& policy : object->policies) change_.policies[policy.key] = policy;
  for (std::size_t i = 0; i < object->sid_prefixes.size(); ++i) {
    const auto& prefix = object->sid_prefixes[i];
    change_.sid_prefixes[pool_key(*object, i)] = prefix;
    ++sid_prefixes_[prefix];
    pools_changed_ = true;
  }
  if (is_block_affinity(*object)) ++block_affinities_;
  if (object->bgp) peering_.set(object->key.name, *object->bgp);
}

/// Who allocates may have changed, or which blocks are pods': then every node is another one.
void IntentStore::settle_ipam() {
  const bool calico = ipam_ == Ipam::kCalico || (ipam_ == Ipam::kAuto && block_affinities_ != 0);
  const bool other_pools = std::exchange(pools_changed_, false) && calico;
  if (std::exchange(calico_, calico) == calico && !other_pools) return;
  for (const auto& [name, parts] : parts_) touched_nodes_.insert(name);
}

bool IntentStore::holds_sids(const IpPrefix& prefix) const {
  bool found = false;
  sid_prefixes_.visit_overlapping(prefix, [&](const IpPrefix& pool, std::size_t) {
    found = pool.contains(prefix);
    return false;  // those that contain it come first
  });
  return found;
}

/// Calico allocates SIDs in the same way as pods' addresses, out of blocks of their own pools.
void IntentStore::add_blocks(const std::string& name, const Parts& parts,
                             overlay::Node& node) const {
  std::vector<overlay::PodPrefix> blocks;
  const auto add = [&](const IpPrefix& prefix) {
    if (!holds_sids(prefix)) blocks.push_back({prefix, std::nullopt});
  };
  for (const auto& [key, object] : parts) {
    if (is_block_affinity(*object)) add(object->node->pod_prefixes.front().prefix);
  }
  for (const auto& [key, object] : parts) {
    for (const auto& lent : object->lent) {
      if (lent.node == name) add(IpPrefix::host(lent.address));
    }
  }
  append_new(node.pod_prefixes, blocks);
}

std::optional<overlay::Node> IntentStore::merge(const std::string& name,
                                                std::vector<Finding>& findings) const {
  const auto found = parts_.find(name);
  if (found == parts_.end()) return std::nullopt;
  const auto& parts = found->second;
  const auto first_of = [&](std::string_view kind) -> const Object* {
    const auto part = std::ranges::find(parts, kind, [](const auto& p) { return p.first.kind; });
    return part == parts.end() ? nullptr : part->second.get();
  };
  const auto* node = first_of(kNode);
  const auto* srv6_node = first_of(kSrv6Node);
  std::vector<const Object*> config_maps;
  for (const auto& [key, object] : parts) {
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
  merged.pods_have_all_addresses = calico_;
  for (const auto* object : {srv6_node, node}) {
    if (object == nullptr) continue;
    const auto& part = *object->node;
    merged.labels.insert(part.labels.begin(), part.labels.end());
    append_new(merged.addresses, part.addresses);
    if (object == srv6_node || !calico_) append_new(merged.pod_prefixes, part.pod_prefixes);
    override_sids(merged.sids, part.sids);
  }
  if (calico_) add_blocks(name, parts, merged);
  take_locator({srv6_node, node, first_of(kIpPool), first_of(kSrv6Locator)}, merged, findings);
  overlay::FixedSids fixed;
  for (const auto* object : config_maps) take_sids(fixed, *object, findings);
  override_sids(merged.sids, fixed);
  return merged;
}

overlay::IntentChange IntentStore::take_change() {
  settle_ipam();
  overlay::IntentChange change;
  settle(change_.policies, intent_.policies, change.policies);
  settle(change_.sid_prefixes, intent_.sid_prefixes, change.sid_prefixes);
  std::map<std::string, std::optional<overlay::Node>> nodes;
  for (const auto& name : std::exchange(touched_nodes_, {})) {
    std::vector<Finding> findings;
    nodes.emplace(name, merge(name, findings));
    if (findings.empty()) {
      findings_.erase(name);
    } else {
      findings_[name] = std::move(findings);
    }
  }
  settle(nodes, intent_.nodes, change.nodes);
  return change;
}

overlay::ObjectKey IntentStore::locator_object(const std::string& node) const {
  const auto parts = parts_.find(node);
  if (parts == parts_.end()) return {};
  for (const auto kind : {kSrv6Node, kNode, kIpPool, kSrv6Locator})
    for (const auto& [key, object] : parts->second)
      if (key.kind == kind && object->node->locator) return key;
  return {};
}

}  // namespace sextant::sources
