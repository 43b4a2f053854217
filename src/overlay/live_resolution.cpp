#include "overlay/live_resolution.h"

#include <optional>
#include <utility>

#include "overlay/journal.h"

namespace sextant::overlay {
namespace {

constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

template <typename Map>
auto* find_in(Map& map, const typename Map::key_type& key) {
  const auto entry = map.find(key);
  return entry == map.end() ? nullptr : &entry->second;
}

template <typename Map, typename Value>
void set_or_erase(Map& map, const typename Map::key_type& key, Value value) {
  if (value.empty()) {
    map.erase(key);
  } else {
    map.insert_or_assign(key, std::move(value));
  }
}

template <typename Key, typename Value>
std::vector<Key> keys_of(const std::map<Key, Value>& entries) {
  std::vector<Key> keys;
  keys.reserve(entries.size());
  for (const auto& [key, value] : entries) keys.push_back(key);
  return keys;
}

}  // namespace

LiveResolution::LiveResolution(Settings settings) : settings_(std::move(settings)) {
  Work work;
  refresh_headend(work);
  domain_.add(domain_share(settings_));
  forwarding_.domain = domain_.roles();
}

ForwardingDiff LiveResolution::apply(const IntentChange& change) {
  Work work;
  take_nodes(change, work);
  settle_nodes(work);
  refresh_headend(work);
  take_policies(change, work);
  take_sid_prefixes(change, work);
  read_objects(work);
  settle_binding_sids(work);
  return rebuild(work);
}

void LiveResolution::take_nodes(const IntentChange& change, Work& work) {
  for (const auto& [name, wanted] : change.nodes) {
    const auto* current = find_in(intent_.nodes, name);
    if (current == nullptr ? !wanted : wanted == *current) continue;
    std::optional<Node> before;
    if (current != nullptr) before = std::move(intent_.nodes.extract(name).mapped());
    const auto* old_node = before ? &*before : nullptr;
    const auto* new_node =
        wanted ? &intent_.nodes.insert_or_assign(name, *wanted).first->second : nullptr;
    rulings_.update(old_node, new_node);
    headends_.update_node(old_node, new_node, work.objects);
    work.nodes.insert(name);
    const bool labels_changed =
        old_node != nullptr && new_node != nullptr && old_node->labels != new_node->labels;
    if (name == settings_.node && labels_changed) {
      for (const auto& [key, object] : intent_.policies) work.objects.insert(key);
    }
  }
}

void LiveResolution::settle_nodes(Work& work) {
  work.nodes.merge(rulings_.settle());
  std::vector<NodeFacts> changed;
  for (const auto& name : work.nodes) {
    const auto* node = find_in(intent_.nodes, name);
    NodeReading reading;
    if (node != nullptr) reading = read_node(*node, rulings_);
    set_or_erase(node_problems_, name, std::move(reading.problems));
    const auto* before = nodes_.find(name);
    const auto* after = node != nullptr ? &reading.facts : nullptr;
    if (before == nullptr ? after == nullptr : after != nullptr && *before == *after) continue;
    dependencies_.collect(before, after, work.objects);
    work.parts.insert(name);
    if (after != nullptr) changed.push_back(std::move(reading.facts));
  }
  // All out before any in: what one node loses another may get.
  for (const auto& name : work.parts) {
    if (const auto* before = nodes_.find(name)) leave_domain(domain_share(*before), work);
    nodes_.erase(name);
  }
  for (auto& facts : changed) {
    join_domain(domain_share(facts), work);
    nodes_.put(std::move(facts));
  }
}

void LiveResolution::refresh_headend(Work& work) {
  const bool could_encapsulate = forwarding_.encapsulation_source.has_value();
  headend_ = {find_in(std::as_const(intent_.nodes), settings_.node), nodes_.find(settings_.node)};
  headend_problems_ = headend_problems(headend_, settings_);
  if (could_encapsulate == headend_.can_encapsulate()) return;
  for (const auto& [key, object] : intent_.policies) work.objects.insert(key);
  for (const auto& [name, node] : intent_.nodes) work.parts.insert(name);
}

void LiveResolution::take_policies(const IntentChange& change, Work& work) {
  for (const auto& [key, wanted] : change.policies) {
    const auto* current = find_in(intent_.policies, key);
    if (current == nullptr ? !wanted : wanted == *current) continue;
    if (current != nullptr) {
      leave_domain(domain_share(*current), work);
      headends_.remove(current->headend, key);
      dependencies_.remove(key);
      intent_.policies.erase(key);
    }
    if (wanted) {
      join_domain(domain_share(*wanted), work);
      intent_.policies.emplace(key, *wanted);
      headends_.add(wanted->headend, key);
    }
    work.objects.insert(key);
  }
}

void LiveResolution::take_sid_prefixes(const IntentChange& change, Work& work) {
  for (const auto& [key, wanted] : change.sid_prefixes) {
    if (const auto current = intent_.sid_prefixes.extract(key)) {
      leave_domain(domain_share(current.mapped()), work);
    }
    if (!wanted) continue;
    join_domain(domain_share(*wanted), work);
    intent_.sid_prefixes.emplace(key, *wanted);
  }
}

void LiveResolution::read_objects(Work& work) {
  for (const auto& key : work.objects) {
    withdraw(key, work);
    const auto* object = find_in(intent_.policies, key);
    if (object == nullptr) {
      object_problems_.erase(key);
      continue;
    }
    dependencies_.set(*object, nodes_);
    auto reading = read_policy(*object, nodes_, headend_);
    if (!headends_.selects_any(object->headend)) {
      reading.problems.push_back(selects_nothing_problem(*object));
    }
    set_or_erase(object_problems_, key, std::move(reading.problems));
    if (reading.applies) enroll(*object, *reading.applies, work);
  }
}

void LiveResolution::withdraw(const ObjectKey& object, Work& work) {
  const auto entry = enrolled_.extract(object);
  if (!entry) return;
  const auto& [policy, binding_sid] = entry.mapped();
  members_.at(policy).erase(object);
  work.policies.insert(policy);
  if (!binding_sid) return;
  binding_sid_claims_.at(*binding_sid).erase(object);
  work.binding_sids.insert(*binding_sid);
}

void LiveResolution::enroll(const Policy& object, const PolicyId& policy, Work& work) {
  enrolled_.emplace(object.key, Enrolled{policy, object.binding_sid});
  members_[policy].insert(object.key);
  work.policies.insert(policy);
  if (!object.binding_sid) return;
  binding_sid_claims_[*object.binding_sid].insert(object.key);
  work.binding_sids.insert(*object.binding_sid);
}

void LiveResolution::settle_binding_sids(Work& work) {
  for (const auto& sid : work.binding_sids) {
    const auto claims = binding_sid_claims_.find(sid);
    if (claims->second.empty()) {
      binding_sid_claims_.erase(claims);
      binding_sid_owners_.erase(sid);
      continue;
    }
    auto& current = binding_sid_owners_[sid];
    const auto& holder =
        claims->second.contains(current.object) ? current.object : *claims->second.begin();
    BindingSidOwner owner{holder, enrolled_.at(holder).policy};
    if (current == owner) continue;
    current = std::move(owner);
    for (const auto& object : claims->second) work.policies.insert(enrolled_.at(object).policy);
  }
}

void LiveResolution::evaluate_policy(const PolicyId& id, Work& work) {
  std::vector<const Policy*> objects;
  const auto members = members_.find(id);
  if (members != members_.end()) {
    for (const auto& key : members->second) objects.push_back(&intent_.policies.at(key));
    if (objects.empty()) members_.erase(members);
  }
  const PolicyContext context{nodes_, settings_,
                              [this](const srv6::Sid& sid) -> const BindingSidOwner& {
                                return binding_sid_owners_.at(sid);
                              }};
  std::set<Problem> problems;
  for (const auto family : kFamilies) {
    const auto path = id.path(family);
    auto policy = evaluate(id, family, objects, context, active_key(policies_, path), problems);
    if (policy) {
      policies_.insert_or_assign(path, std::move(*policy));
    } else {
      policies_.erase(path);
    }
  }
  set_or_erase(policy_problems_, id, std::move(problems));
  if (const auto* endpoint = nodes_.by_address(id.endpoint)) work.parts.insert(endpoint->name);
}

void LiveResolution::leave_domain(const DomainShare& share, Work& work) {
  domain_.remove(share);
  work.domain.insert(share.sids.begin(), share.sids.end());
  work.domain.insert(share.sources.begin(), share.sources.end());
}

void LiveResolution::join_domain(const DomainShare& share, Work& work) {
  domain_.add(share);
  work.domain.insert(share.sids.begin(), share.sids.end());
  work.domain.insert(share.sources.begin(), share.sources.end());
}

NodePart LiveResolution::part_of(const std::string& name) const {
  const auto* facts = nodes_.find(name);
  if (facts == nullptr) return {};
  if (facts == headend_.facts) return own_part(*facts);
  if (!headend_.can_encapsulate()) return {};
  return remote_part(*facts, policies_);
}

LiveResolution::Footprint LiveResolution::footprint_of(const NodePart& part) {
  return {.local_sids = keys_of(part.local_sids),
          .paths = keys_of(part.paths),
          .routes = keys_of(part.routes),
          .locator_routes = keys_of(part.locator_routes),
          .steered = keys_of(part.steered)};
}

ForwardingDiff LiveResolution::rebuild(const Work& requested) {
  Work work = requested;
  Journal sids(forwarding_.local_sids);
  Journal paths(forwarding_.paths);
  Journal routes(forwarding_.routes);
  Journal locators(forwarding_.locator_routes);
  Journal domain(forwarding_.domain);

  // What is no more goes out before anything comes in: a key may pass from one owner to another.
  for (const auto& id : work.policies) {
    evaluate_policy(id, work);
    auto now = binding_sids(id, policies_);
    if (const auto* before = find_in(policy_sids_, id)) sids.erase_missing(*before, now);
    set_or_erase(policy_sids_, id, std::move(now));
    for (const auto family : kFamilies) {
      const auto path = id.path(family);
      const auto* policy = find_in(policies_, path);
      const auto* candidate = policy != nullptr ? active(*policy) : nullptr;
      if (candidate != nullptr) {
        paths.set(path, Path{candidate->lists});
      } else {
        paths.erase(path);
      }
    }
  }
  std::map<std::string, NodePart> parts;
  for (const auto& name : work.parts) {
    const auto& now = parts.emplace(name, part_of(name)).first->second;
    const auto& before = footprints_[name];
    sids.erase_missing(before.local_sids, now.local_sids);
    paths.erase_missing(before.paths, now.paths);
    routes.erase_missing(before.routes, now.routes);
    locators.erase_missing(before.locator_routes, now.locator_routes);
    for (const auto& path : before.steered) {
      if (auto* policy = find_in(policies_, path)) policy->steered.clear();
    }
  }

  for (const auto& id : work.policies) {
    if (const auto* now = find_in(policy_sids_, id)) sids.set_all(*now);
  }
  for (const auto& [name, part] : parts) {
    sids.set_all(part.local_sids);
    paths.set_all(part.paths);
    routes.set_all(part.routes);
    locators.set_all(part.locator_routes);
    for (const auto& [path, prefixes] : part.steered) policies_.at(path).steered = prefixes;
    if (nodes_.find(name) == nullptr) {
      footprints_.erase(name);
    } else {
      footprints_[name] = footprint_of(part);
    }
  }

  for (const auto& prefix : work.domain) {
    if (const auto role = domain_.role(prefix)) {
      domain.set(prefix, *role);
    } else {
      domain.erase(prefix);
    }
  }

  ForwardingDiff change;
  if (work.parts.contains(settings_.node)) {
    const auto before = identity_of(forwarding_);
    auto identity =
        headend_.facts != nullptr ? identity_of(*headend_.facts) : ForwardingDiff::Identity{};
    if (identity != before) change.identity = std::move(identity);
    ForwardingDiff own;
    own.identity = change.identity;
    patch(forwarding_, own);
  }
  change.local_sids = sids.difference();
  change.paths = paths.difference();
  change.routes = routes.difference();
  change.locator_routes = locators.difference();
  change.domain = domain.difference();
  return change;
}

Incumbents LiveResolution::incumbents() const {
  Incumbents incumbents;
  rulings_.record(incumbents);
  for (const auto& [sid, owner] : binding_sid_owners_) {
    incumbents.binding_sids.emplace(sid, owner.object);
  }
  return incumbents;
}

std::vector<Problem> LiveResolution::problems() const {
  std::set<Problem> all(headend_problems_.begin(), headend_problems_.end());
  const auto add = [&](const auto& problems_by_source) {
    for (const auto& [source, problems] : problems_by_source) {
      all.insert(problems.begin(), problems.end());
    }
  };
  add(node_problems_);
  add(object_problems_);
  add(policy_problems_);
  return {all.begin(), all.end()};
}

}  // namespace sextant::overlay
