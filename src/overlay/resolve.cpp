// The definition: everything from scratch. Resolver (resolver.cpp) gives the same step by step.
#include <algorithm>
#include <utility>

#include "overlay/claims.h"
#include "overlay/directory.h"
#include "overlay/domain.h"
#include "overlay/headend.h"
#include "overlay/policies.h"
#include "overlay/resolver.h"
#include "overlay/steering.h"

namespace sextant::overlay {
namespace {

class FullResolution {
 public:
  FullResolution(const Intent& intent, const Settings& settings, const Resolution* previous)
      : intent_(intent),
        settings_(settings),
        previous_(previous),
        before_(previous != nullptr ? previous->incumbents : Incumbents{}) {}

  Resolution run() {
    read_nodes();
    group_policies();
    for (const auto& [id, objects] : groups_) add_policy(id, objects);
    add_domain();
    add_forwarding();
    result_.problems.assign(problems_.begin(), problems_.end());
    return std::move(result_);
  }

 private:
  void read_nodes() {
    const FullRulings rulings(intent_.nodes, before_);
    rulings.record(result_.incumbents);
    for (const auto& [name, node] : intent_.nodes) {
      auto reading = read_node(node, rulings);
      problems_.insert(reading.problems.begin(), reading.problems.end());
      nodes_.put(std::move(reading.facts));
    }
    const auto self = intent_.nodes.find(settings_.node);
    if (self != intent_.nodes.end()) headend_ = {&self->second, nodes_.find(settings_.node)};
    const auto problems = headend_problems(headend_, settings_);
    problems_.insert(problems.begin(), problems.end());
  }

  void group_policies() {
    for (const auto& [key, object] : intent_.policies) {
      const auto reading = read_policy(object, nodes_, headend_);
      problems_.insert(reading.problems.begin(), reading.problems.end());
      if (std::ranges::none_of(intent_.nodes, [&headend = object.headend](const auto& node) {
            return selects(headend, node.second);
          })) {
        problems_.insert(selects_nothing_problem(object));
      }
      if (!reading.applies) continue;
      groups_[*reading.applies].push_back(&object);
      if (object.binding_sid) {
        const auto held = before_.binding_sids.find(*object.binding_sid);
        const bool holds = held != before_.binding_sids.end() && held->second == key;
        const BindingSidOwner owner{key, *reading.applies};
        const auto [entry, first] = binding_sid_owners_.try_emplace(*object.binding_sid, owner);
        if (holds) entry->second = owner;
      }
    }
    for (const auto& [sid, owner] : binding_sid_owners_) {
      result_.incumbents.binding_sids.emplace(sid, owner.object);
    }
  }

  void add_policy(const PolicyId& id, const std::vector<const Policy*>& objects) {
    const PolicyContext context{nodes_, settings_,
                                [this](const srv6::Sid& sid) -> const BindingSidOwner& {
                                  return binding_sid_owners_.at(sid);
                                }};
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      const auto path = id.path(family);
      const auto installed =
          previous_ != nullptr ? active_key(previous_->policies, path) : std::nullopt;
      auto policy = evaluate(id, family, objects, context, installed, problems_);
      if (!policy) continue;
      if (const auto* candidate = active(*policy)) {
        result_.forwarding.paths[path] = Path{candidate->lists};
      }
      result_.policies.emplace(path, std::move(*policy));
    }
    result_.forwarding.local_sids.merge(binding_sids(id, result_.policies));
  }

  void add_domain() {
    DomainUses domain;
    domain.add(domain_share(settings_));
    for (const auto& [name, node] : nodes_.nodes()) domain.add(domain_share(node));
    for (const auto& [key, policy] : intent_.policies) domain.add(domain_share(policy));
    for (const auto& [key, prefix] : intent_.sid_prefixes) domain.add(domain_share(prefix));
    result_.forwarding.domain = domain.roles();
  }

  void add_forwarding() {
    if (headend_.facts == nullptr) return;
    ForwardingDiff own;
    own.identity = identity_of(*headend_.facts);
    patch(result_.forwarding, own);
    add(own_part(*headend_.facts));
    if (!headend_.can_encapsulate()) return;
    for (const auto& [name, node] : nodes_.nodes()) {
      if (&node != headend_.facts) add(remote_part(node, result_.policies));
    }
  }

  void add(NodePart part) {
    result_.forwarding.local_sids.merge(part.local_sids);
    result_.forwarding.paths.merge(part.paths);
    result_.forwarding.routes.merge(part.routes);
    result_.forwarding.locator_routes.merge(part.locator_routes);
    for (auto& [path, prefixes] : part.steered) {
      result_.policies.at(path).steered = std::move(prefixes);
    }
  }

  const Intent& intent_;
  const Settings& settings_;
  const Resolution* previous_;
  const Incumbents before_;
  Directory nodes_;
  Headend headend_;
  std::map<PolicyId, std::vector<const Policy*>> groups_;  // objects by key
  std::map<srv6::Sid, BindingSidOwner> binding_sid_owners_;
  std::set<Problem> problems_;
  Resolution result_;
};

}  // namespace

Resolution resolve(const Intent& intent, const Settings& settings, const Resolution* previous) {
  return FullResolution(intent, settings, previous).run();
}

}  // namespace sextant::overlay
