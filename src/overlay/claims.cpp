#include "overlay/claims.h"

#include <cassert>
#include <utility>

#include "overlay/validation.h"

namespace sextant::overlay {
namespace {

/// Whether two overlapping claims cannot both be granted.
bool rivals(const Claim& a, const Claim& b) { return a.node != b.node || a.kind != b.kind; }

}  // namespace

FullRulings::FullRulings(const std::map<std::string, Node>& nodes) {
  std::set<Claim> claims;
  for (const auto& [name, node] : nodes) {
    claims.merge(claims_of(node));
    for (const auto& address : addresses_of(node)) owners_.try_emplace(address, name);
  }
  for (const auto& claim : claims) {
    if (!obstacle(claim)) granted_[claim.prefix] = claim;
  }
}

std::optional<Claim> FullRulings::obstacle(const Claim& claim) const {
  std::optional<Claim> found;
  granted_.visit_overlapping(claim.prefix, [&](const IpPrefix&, const Claim& other) {
    if (other < claim && rivals(other, claim)) found = other;
    return !found;
  });
  return found;
}

const std::string& FullRulings::address_owner(const IpAddress& address) const {
  return owners_.at(address);
}

void LiveRulings::update(const Node* old_node, const Node* new_node) {
  const auto old_claims = old_node != nullptr ? claims_of(*old_node) : std::set<Claim>{};
  const auto new_claims = new_node != nullptr ? claims_of(*new_node) : std::set<Claim>{};
  for (const auto& claim : old_claims) {
    if (!new_claims.contains(claim)) remove(claim);
  }
  for (const auto& claim : new_claims) {
    if (!old_claims.contains(claim)) add(claim);
  }
  if (old_node != nullptr) {
    for (const auto& address : addresses_of(*old_node)) {
      const auto owners = owners_.find(address);
      affected_.insert(owners->second.begin(), owners->second.end());
      owners->second.erase(old_node->name);
      if (owners->second.empty()) owners_.erase(owners);
    }
  }
  if (new_node != nullptr) {
    for (const auto& address : addresses_of(*new_node)) {
      auto& owners = owners_[address];
      owners.insert(new_node->name);
      affected_.insert(owners.begin(), owners.end());
    }
  }
}

void LiveRulings::add(const Claim& claim) {
  claims_[claim.prefix].try_emplace({claim.node, claim.kind});
  open_.insert(claim);
}

void LiveRulings::remove(const Claim& claim) {
  auto* claimants = claims_.find(claim.prefix);
  assert(claimants != nullptr);
  const auto claimant = claimants->find({claim.node, claim.kind});
  if (claimant->second.granted) question_later_overlaps(claim);
  claimants->erase(claimant);
  if (claimants->empty()) claims_.erase(claim.prefix);
  open_.erase(claim);
}

void LiveRulings::question_later_overlaps(const Claim& claim) {
  claims_.visit_overlapping(claim.prefix, [&](const IpPrefix& prefix, const auto& claimants) {
    for (const auto& [claimant, verdict] : claimants) {
      Claim other{claimant.node, claimant.kind, prefix};
      if (claim < other && rivals(claim, other)) open_.insert(std::move(other));
    }
    return true;
  });
}

std::set<std::string> LiveRulings::settle() {
  // A verdict depends on earlier claims only, and a changed one opens later ones only: each is
  // looked at once.
  while (!open_.empty()) {
    const Claim claim = std::move(open_.extract(open_.begin()).value());
    std::optional<Claim> obstacle;
    claims_.visit_overlapping(claim.prefix, [&](const IpPrefix& prefix, const auto& claimants) {
      for (const auto& [claimant, verdict] : claimants) {
        if (!verdict.granted) continue;
        Claim other{claimant.node, claimant.kind, prefix};
        if (other < claim && rivals(other, claim)) {
          obstacle = std::move(other);
          break;
        }
      }
      return !obstacle;
    });
    auto& verdict = claims_.find(claim.prefix)->at({claim.node, claim.kind});
    const bool granted = !obstacle;
    if (verdict.granted == granted && verdict.obstacle == obstacle) continue;
    affected_.insert(claim.node);
    verdict.obstacle = std::move(obstacle);
    if (verdict.granted == granted) continue;
    verdict.granted = granted;
    question_later_overlaps(claim);
  }
  return std::exchange(affected_, {});
}

std::optional<Claim> LiveRulings::obstacle(const Claim& claim) const {
  return claims_.find(claim.prefix)->at({claim.node, claim.kind}).obstacle;
}

const std::string& LiveRulings::address_owner(const IpAddress& address) const {
  return *owners_.at(address).begin();
}

}  // namespace sextant::overlay
