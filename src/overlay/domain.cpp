#include "overlay/domain.h"

namespace sextant::overlay {
namespace {

void add_sid(DomainShare& share, const std::optional<srv6::Sid>& sid) {
  // Multicast or link-local, which pods need, is no SID whatever an object says.
  if (sid && address_fault(sid->address()).empty()) {
    share.sids.insert(IpPrefix::host(sid->address()));
  }
}

}  // namespace

DomainShare domain_share(const NodeFacts& node) {
  DomainShare share;
  if (node.locator) share.sids.insert(node.locator->prefix());
  for (const auto& sid : {node.end, node.dt4, node.dt6, node.dt46}) {
    if (sid && !(node.locator && node.locator->contains(*sid))) add_sid(share, sid);
  }
  for (const auto& address : node.addresses) {
    if (address.is_v6()) share.sources.insert(IpPrefix::host(address));
  }
  return share;
}

DomainShare domain_share(const Policy& policy) {
  DomainShare share;
  add_sid(share, policy.binding_sid);
  for (const auto& path : policy.paths) {
    for (const auto& list : path.lists) {
      for (const auto& segment : list.segments) {
        if (const auto* sid = std::get_if<srv6::Sid>(&segment)) add_sid(share, *sid);
      }
    }
  }
  return share;
}

DomainShare domain_share(const IpPrefix& sid_prefix) {
  DomainShare share;
  if (sid_prefix.family() == Family::kIpv6 && prefix_fault(sid_prefix).empty()) {
    share.sids.insert(sid_prefix);
  }
  return share;
}

DomainShare domain_share(const Settings& settings) {
  DomainShare share;
  share.sids.insert(settings.sid_prefixes.begin(), settings.sid_prefixes.end());
  return share;
}

void DomainUses::add(const DomainShare& share) {
  for (const auto& prefix : share.sids) ++uses_[prefix].sids;
  for (const auto& prefix : share.sources) ++uses_[prefix].sources;
}

void DomainUses::remove(const DomainShare& share) {
  const auto drop = [this](const IpPrefix& prefix, std::size_t Uses::*count) {
    const auto found = uses_.find(prefix);
    --(found->second.*count);
    if (found->second.sids == 0 && found->second.sources == 0) uses_.erase(found);
  };
  for (const auto& prefix : share.sids) drop(prefix, &Uses::sids);
  for (const auto& prefix : share.sources) drop(prefix, &Uses::sources);
}

std::optional<DomainRole> DomainUses::role(const IpPrefix& prefix) const {
  const auto found = uses_.find(prefix);
  if (found == uses_.end()) return std::nullopt;
  return DomainRole{.sids = found->second.sids != 0, .sources = found->second.sources != 0};
}

std::map<IpPrefix, DomainRole> DomainUses::roles() const {
  std::map<IpPrefix, DomainRole> roles;
  for (const auto& [prefix, uses] : uses_) {
    roles.emplace_hint(roles.end(), prefix,
                       DomainRole{.sids = uses.sids != 0, .sources = uses.sources != 0});
  }
  return roles;
}

}  // namespace sextant::overlay
