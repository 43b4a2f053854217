#include "sources/bgp/route_book.h"

#include <algorithm>
#include <variant>

namespace sextant::bgp_source {
namespace {

constexpr std::uint8_t kCustomaryLocatorBits = 64;

/// Which of the node's SIDs a behavior sets; null for those that do not deliver to pods.
std::optional<srv6::Sid>* member_of(overlay::FixedSids& sids, srv6::Behavior behavior) {
  const bool ipv4 = srv6::decapsulates(behavior, Family::kIpv4);
  const bool ipv6 = srv6::decapsulates(behavior, Family::kIpv6);
  if (ipv4 && ipv6) return &sids.dt46;
  if (ipv4) return &sids.dt4;
  return ipv6 ? &sids.dt6 : nullptr;
}

/// The first word on a SID counts: routes come sorted, so it is the same on every node.
void take_sid(overlay::FixedSids& sids, srv6::Behavior behavior, const srv6::Sid& sid) {
  auto* const member = member_of(sids, behavior);
  if (member != nullptr && !*member) *member = sid;
}

std::vector<srv6::Sid> all_of(const overlay::FixedSids& sids) {
  std::vector<srv6::Sid> all;
  for (const auto& sid : {sids.dt46, sids.dt6, sids.dt4}) {
    if (sid) all.push_back(*sid);
  }
  return all;
}

bool holds_any(const IpPrefix& prefix, const std::vector<srv6::Sid>& sids) {
  return std::ranges::any_of(sids,
                             [&](const srv6::Sid& sid) { return prefix.contains(sid.address()); });
}

std::optional<srv6::Locator> locator_of(const IpPrefix& prefix) {
  auto locator = srv6::Locator::make(prefix);
  if (!locator) return std::nullopt;
  return *locator;
}

std::optional<srv6::Locator> locator_of(const bgp::ServiceSid& service) {
  if (!service.structure) return std::nullopt;
  const auto& structure = *service.structure;
  const unsigned bits = structure.block + structure.node;
  if (bits == 0 || bits > 128) return std::nullopt;
  const IpPrefix prefix(service.sid, static_cast<std::uint8_t>(bits));
  if (auto locator = srv6::Locator::make(prefix, structure)) return *locator;
  return locator_of(prefix);
}

}  // namespace

void RouteBook::set(const IpPrefix& prefix, std::optional<UnicastRoute> route) {
  if (const auto known = next_hops_.find(prefix); known != next_hops_.end()) {
    const auto before = known->second;
    auto& routes = routes_[before].unicast;
    if (route && route->next_hop == IpAddress(before) && routes.at(prefix) == *route) return;
    routes.erase(prefix);
    next_hops_.erase(known);
    change_.nodes.insert(before);
    drop_if_empty(before);
  }
  // An IPv4 next hop is no end of an SRv6 tunnel.
  if (!route || !route->next_hop.is_v6()) return;
  const auto node = route->next_hop.v6();
  next_hops_[prefix] = node;
  routes_[node].unicast.emplace(prefix, std::move(*route));
  change_.nodes.insert(node);
}

void RouteBook::set(const bgp::SrPolicyNlri& nlri, std::optional<PolicyReading> reading) {
  if (!reading || !std::holds_alternative<overlay::Policy>(*reading)) {
    if (policies_.erase(nlri) != 0) change_.policies[nlri] = std::nullopt;
  }
  forget(nlri);
  if (!reading) return;
  if (auto* const policy = std::get_if<overlay::Policy>(&*reading)) {
    policies_.insert(nlri);
    change_.policies[nlri] = std::move(*policy);
  } else if (const auto* const sid = std::get_if<NodeSid>(&*reading)) {
    sid_nodes_[nlri] = sid->node;
    routes_[sid->node].sids.emplace(nlri, *sid);
    change_.nodes.insert(sid->node);
  } else {
    unusable_[nlri] = std::get<Unusable>(*reading);
  }
}

void RouteBook::forget(const bgp::SrPolicyNlri& nlri) {
  unusable_.erase(nlri);
  const auto known = sid_nodes_.find(nlri);
  if (known == sid_nodes_.end()) return;
  const auto node = known->second;
  sid_nodes_.erase(known);
  routes_[node].sids.erase(nlri);
  change_.nodes.insert(node);
  drop_if_empty(node);
}

void RouteBook::drop_if_empty(const Ipv6Address& node) {
  const auto found = routes_.find(node);
  if (found != routes_.end() && found->second.empty()) routes_.erase(found);
}

LearnedNode RouteBook::node(const Ipv6Address& address) const {
  LearnedNode node;
  const auto found = routes_.find(address);
  if (found == routes_.end()) return node;
  for (const auto& [nlri, sid] : found->second.sids) take_sid(node.sids, sid.behavior, sid.sid);
  for (const auto& [prefix, route] : found->second.unicast) {
    if (!route.service) continue;
    // Nothing is transposed where the route has no label to hold it (RFC 9252 section 4).
    take_sid(node.sids, route.service->behavior, srv6::Sid(route.service->sid));
    if (!node.locator) node.locator = locator_of(*route.service);
  }
  const auto sids = all_of(node.sids);
  for (const auto& [prefix, route] : found->second.unicast) {
    const bool of_sids = holds_any(prefix, sids);
    if (of_sids && !node.locator) node.locator = locator_of(prefix);
    const bool pods = route.service || route.color || (route.calico_vpp && !sids.empty());
    if (of_sids || !pods || prefix.contains(IpAddress(address))) continue;
    node.pod_prefixes.push_back({prefix, route.color});
  }
  if (!node.locator && !sids.empty()) {
    node.locator = locator_of(IpPrefix(sids.front().address(), kCustomaryLocatorBits));
  }
  return node;
}

}  // namespace sextant::bgp_source
