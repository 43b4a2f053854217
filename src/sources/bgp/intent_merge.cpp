#include "sources/bgp/intent_merge.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "sources/settle.h"

namespace sextant::bgp_source {
namespace {

using bgp::ColorOnly;
using overlay::IntentChange;
using overlay::Node;
using overlay::ObjectKey;
using overlay::Policy;
using sources::settle;

/// The prefixes that its routes give it.
std::set<overlay::Claim> claims_of(const LearnedNode& learned, const std::string& name) {
  std::set<overlay::Claim> claims;
  if (learned.locator) {
    claims.insert({name, overlay::ClaimKind::kLocator, learned.locator->prefix()});
  }
  for (const auto& [prefix, color] : learned.pod_prefixes) {
    claims.insert({name, overlay::ClaimKind::kPodPrefix, prefix});
  }
  return claims;
}

bool is_null(const IpAddress& endpoint) {
  return std::ranges::all_of(endpoint.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

const IpAddress& endpoint_of(const Policy& policy) { return std::get<IpAddress>(policy.endpoint); }

}  // namespace

IntentMerge::IntentMerge(const overlay::Intent& primary, const RouteBook& book, std::string self,
                         overlay::LocatorReach reach)
    : primary_(primary), book_(book), self_(std::move(self)), reach_(reach), intent_(primary) {
  for (const auto& [name, node] : primary.nodes) {
    index(name);
    (void)owners_.set(name, &node);
  }
}

void IntentMerge::add_learned(const LearnedNode& learned, Node& node) {
  std::set<IpPrefix> others;
  for (const auto& claim : claims_of(learned, node.name)) {
    const bool adds = claim.kind == overlay::ClaimKind::kPodPrefix || !node.locator;
    const auto owner = adds ? owners_.owner_in_the_way(claim) : std::string();
    if (owner.empty()) continue;
    others.insert(claim.prefix);
    refused_[node.name].insert({claim.prefix, owner});
  }
  if (!node.locator && learned.locator && !others.contains(learned.locator->prefix())) {
    node.locator = learned.locator;
  }
  for (const auto member :
       {&overlay::FixedSids::dt4, &overlay::FixedSids::dt6, &overlay::FixedSids::dt46}) {
    if (!(node.sids.*member)) node.sids.*member = learned.sids.*member;
  }
  std::set<IpPrefix> known;
  for (const auto& prefix : node.pod_prefixes) known.insert(prefix.prefix);
  for (const auto& [prefix, color] : learned.pod_prefixes) {
    if (others.contains(prefix)) continue;
    std::optional<srv6::Color> steer;
    if (color) steer = color->color;
    if (known.insert(prefix).second) {
      node.pod_prefixes.push_back({prefix, steer});
    } else if (steer) {
      const auto same = std::ranges::find(node.pod_prefixes, prefix, &overlay::PodPrefix::prefix);
      if (!same->color) same->color = steer;
    }
  }
}

void IntentMerge::learn(const Ipv6Address& address, LearnedNode node) {
  const auto name = address.to_string();
  if (const auto before = learned_.find(name); before != learned_.end()) {
    for (const auto& claim : claims_of(before->second.node, name)) {
      auto& next_hops = learned_prefixes_[claim.prefix];
      next_hops.erase(address);
      if (next_hops.empty()) learned_prefixes_.erase(claim.prefix);
    }
    learned_.erase(before);
  }
  if (node.empty()) return;
  for (const auto& claim : claims_of(node, name)) {
    learned_prefixes_[claim.prefix].insert(address);
  }
  learned_.emplace(name, Learned{address, std::move(node)});
}

/// Of two nodes with one address the first by name has it; the resolver reports the other.
void IntentMerge::index(const std::string& name) {
  std::set<Ipv6Address> touched;
  if (const auto before = addresses_.find(name); before != addresses_.end()) {
    touched.insert(before->second.begin(), before->second.end());
    addresses_.erase(before);
  }
  if (const auto node = primary_.nodes.find(name); node != primary_.nodes.end()) {
    for (const auto& address : node->second.addresses) {
      if (!address.is_v6()) continue;
      touched.insert(address.v6());
      addresses_[name].push_back(address.v6());
    }
  }
  for (const auto& address : touched) {
    const auto known = names_.find(address);
    const auto has = [&](const std::string& node) {
      const auto found = addresses_.find(node);
      return found != addresses_.end() && std::ranges::count(found->second, address) != 0;
    };
    if (known != names_.end() && has(known->second) && known->second <= name) continue;
    names_.erase(address);
    if (has(name)) {
      names_.emplace(address, name);
      continue;
    }
    const auto other = std::ranges::find_if(addresses_, [&](const auto& node) {
      return std::ranges::count(node.second, address) != 0;
    });
    if (other != addresses_.end()) names_.emplace(address, other->first);
  }
}

std::optional<Node> IntentMerge::node(const std::string& name) {
  refused_.erase(name);
  if (const auto known = primary_.nodes.find(name); known != primary_.nodes.end()) {
    auto node = known->second;
    if (name == self_) return node;
    if (const auto addresses = addresses_.find(name); addresses != addresses_.end()) {
      for (const auto& address : addresses->second) {
        const auto learned = learned_.find(address.to_string());
        if (learned != learned_.end() && names_.at(address) == name)
          add_learned(learned->second.node, node);
      }
    }
    return node;
  }
  const auto found = learned_.find(name);
  if (found == learned_.end() || names_.contains(found->second.address)) return std::nullopt;
  const auto& [address, learned] = found->second;
  Node node{.name = name, .location = "BGP", .addresses = {address}, .reach = reach_};
  add_learned(learned, node);
  return node;
}

void IntentMerge::show(const std::string& name, IntentChange& change) {
  settle(name, node(name), intent_.nodes, change.nodes);
}

void IntentMerge::show(const ObjectKey& key, std::optional<Policy> policy, IntentChange& change) {
  settle(key, std::move(policy), intent_.policies, change.policies);
}

void IntentMerge::note_colors(const Ipv6Address& address, const LearnedNode& node) {
  std::set<bgp::ColorCommunity> colors;
  for (const auto& [prefix, color] : node.pod_prefixes) {
    if (!color) continue;
    if (color->color_only == ColorOnly::kNullEndpoint ||
        color->color_only == ColorOnly::kAnyEndpoint) {
      colors.insert(*color);
    }
  }
  if (colors.empty()) {
    colors_.erase(address);
  } else {
    colors_[address] = std::move(colors);
  }
}

IntentMerge::Policies IntentMerge::color_only_policies() const {
  Policies copies;
  for (const auto& [address, colors] : colors_) {
    for (const auto& color : colors) {
      std::vector<const Policy*> found;
      for (const auto& [nlri, policy] : policies_) {
        if (policy.color != color.color || endpoint_of(policy) == IpAddress(address)) continue;
        if (color.color_only == ColorOnly::kAnyEndpoint || is_null(endpoint_of(policy))) {
          found.push_back(&policy);
        }
      }
      // Ascending: any endpoint, then the null endpoint; of each, those of the next hop's own
      // address family last (RFC 9256 section 8.8.1); then by preference.
      std::ranges::stable_sort(found, {}, [](const Policy* policy) {
        const auto& endpoint = endpoint_of(*policy);
        return std::tuple(is_null(endpoint), endpoint.is_v6(), policy->paths.front().preference);
      });
      for (std::size_t i = 0; i < found.size(); ++i) {
        auto copy = *found[i];
        copy.key.name += " for " + address.to_string();
        copy.endpoint = IpAddress(address);
        copy.binding_sid.reset();  // it stays with the policy itself
        copy.paths.front().preference = static_cast<std::uint32_t>(i);
        copies.insert_or_assign(copy.key, std::move(copy));
      }
    }
  }
  return copies;
}

IntentChange IntentMerge::take(const IntentChange& primary, const RouteBook::Change& learned) {
  IntentChange change;
  std::set<std::string> names;
  const auto touch = [&](const Ipv6Address& address) {
    if (const auto known = names_.find(address); known != names_.end()) names.insert(known->second);
    names.insert(address.to_string());
  };
  for (const auto& [name, node] : primary.nodes) {
    names.insert(name);
    std::set<Ipv6Address> addresses;  // that it had or has now: their routes may change hands
    if (const auto before = addresses_.find(name); before != addresses_.end()) {
      addresses.insert(before->second.begin(), before->second.end());
    }
    if (node) {
      for (const auto& address : node->addresses) {
        if (address.is_v6()) addresses.insert(address.v6());
      }
    }
    for (const auto& address : addresses) touch(address);
    index(name);
    for (const auto& address : addresses) touch(address);
    for (const auto& prefix : owners_.set(name, node ? &*node : nullptr)) {
      learned_prefixes_.visit_overlapping(prefix, [&](const IpPrefix&, const auto& next_hops) {
        std::ranges::for_each(next_hops, touch);
        return true;
      });
    }
  }
  for (const auto& address : learned.nodes) {
    auto node = book_.node(address);
    note_colors(address, node);
    learn(address, std::move(node));
    touch(address);
  }
  for (const auto& name : names) show(name, change);

  for (const auto& [key, policy] : primary.policies) {
    show(key, policy, change);
  }
  for (const auto& [nlri, policy] : learned.policies) {
    if (policy) {
      policies_.insert_or_assign(nlri, *policy);
    } else {
      policies_.erase(nlri);
    }
    // One to the null endpoint leads nowhere by itself.
    const bool shown = policy && !is_null(nlri.endpoint);
    show(policy_key(nlri), shown ? policy : std::nullopt, change);
  }
  if (!learned.empty()) {
    auto copies = color_only_policies();
    for (const auto& [key, copy] : copies_) {
      if (!copies.contains(key)) show(key, std::nullopt, change);
    }
    for (const auto& [key, copy] : copies) show(key, copy, change);
    copies_ = std::move(copies);
  }
  for (const auto& [key, prefix] : primary.sid_prefixes) {
    settle(key, prefix, intent_.sid_prefixes, change.sid_prefixes);
  }
  return change;
}

}  // namespace sextant::bgp_source
