#include "sources/bgp/prefix_owners.h"

#include <algorithm>
#include <utility>

#include "overlay/validation.h"

namespace sextant::bgp_source {
namespace {

using overlay::Claim;
using overlay::ClaimKind;

bool is_lent(const Claim& wish, const Claim& owned) {
  return wish.kind == ClaimKind::kPodPrefix && owned.kind == ClaimKind::kPodPrefix &&
         wish.prefix != owned.prefix && (wish.prefix.is_host() || owned.prefix.is_host());
}

}  // namespace

std::set<IpPrefix> PrefixOwners::set(const std::string& name, const overlay::Node* node) {
  auto now = node == nullptr ? std::set<Claim>{} : overlay::claims_of(*node);
  auto& held = held_[name];
  std::set<IpPrefix> changed;
  for (const auto& claim : held) {
    if (now.contains(claim)) continue;
    auto& owners = owners_[claim.prefix];
    owners.erase(claim);
    if (owners.empty()) owners_.erase(claim.prefix);
    changed.insert(claim.prefix);
  }
  for (const auto& claim : now) {
    if (held.contains(claim)) continue;
    owners_[claim.prefix].insert(claim);
    changed.insert(claim.prefix);
  }
  held = std::move(now);
  if (held.empty()) held_.erase(name);
  return changed;
}

std::string PrefixOwners::owner_in_the_way(const Claim& wish) const {
  std::string owner;
  owners_.visit_overlapping(wish.prefix, [&](const IpPrefix&, const std::set<Claim>& claims) {
    const auto found = std::ranges::find_if(claims, [&](const Claim& owned) {
      return owned.node != wish.node && !is_lent(wish, owned);
    });
    if (found != claims.end()) owner = found->node;
    return owner.empty();
  });
  return owner;
}

}  // namespace sextant::bgp_source
