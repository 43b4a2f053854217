#include "overlay/claims.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

#include "overlay/validation.h"

namespace sextant::overlay {
namespace {

bool is_pod_address(const Claim& claim) {
  return claim.kind == ClaimKind::kPodPrefix && claim.prefix.is_host();
}

/// Whether two overlapping claims cannot both be granted. A pod's address lent by another node's
/// block is that node's all the same: the longer prefix takes its packets.
bool rivals(const Claim& a, const Claim& b) {
  if (a.kind != b.kind) return true;
  if (a.node == b.node) return false;
  return a.prefix == b.prefix || !(is_pod_address(a) || is_pod_address(b));
}

}  // namespace

FullRulings::FullRulings(const std::map<std::string, Node>& nodes, const Incumbents& before) {
  std::set<Claim> claims;
  for (const auto& [name, node] : nodes) {
    claims.merge(claims_of(node));
    for (const auto& address : addresses_of(node)) {
      const auto held = before.addresses.find(address);
      const bool holds = held != before.addresses.end() && held->second == name;
      const auto [owner, first] = owners_.try_emplace(address, name);
      if (holds) owner->second = name;
    }
  }
  const auto grant = [this](const Claim& claim) {
    granted_[claim.prefix] = claim;
    claims_.insert(claim);
  };
  for (const auto& claim : claims) {
    if (before.claims.contains(claim)) grant(claim);
  }
  for (const auto& claim : claims) {
    if (!claims_.contains(claim) && !obstacle(claim)) grant(claim);
  }
}

std::optional<Claim> FullRulings::obstacle(const Claim& claim) const {
  std::optional<Claim> found;
  granted_.visit_overlapping(claim.prefix, [&](const IpPrefix&, const Claim& other) {
    if (rivals(other, claim)) found = other;
    return !found;
  });
  return found;
}

const std::string& FullRulings::address_owner(const IpAddress& address) const {
  return owners_.at(address);
}

void FullRulings::record(Incumbents& incumbents) const {
  incumbents.claims = claims_;
  incumbents.addresses = owners_;
}

void LiveRulings::update(const Node* old_node, const Node* new_node) {
  const auto old_claims = old_node != nullptr ? claims_of(*old_node) : std::set<Claim>{};
  const auto new_claims = new_node != nullptr ? claims_of(*new_node) : std::set<Claim>{};
  for (const auto& claim : old_claims) {
    if (!new_claims.contains(claim)) remove(claim);
  }
  for (const auto& claim : new_claims) {
    if (old_claims.contains(claim)) continue;
    auto& claimants = claims_[claim.prefix];
    const auto place = std::ranges::find_if(claimants, [&](const Claimant& other) {
      return std::tie(other.node, other.kind) > std::tie(claim.node, claim.kind);
    });
    claimants.insert(place, {.node = claim.node, .kind = claim.kind});
    open_.push_back(claim);
  }
  if (old_node != nullptr) {
    for (const auto& address : addresses_of(*old_node)) {
      holders_.at(address).nodes.erase(old_node->name);
      open_addresses_.insert(address);
    }
  }
  if (new_node != nullptr) {
    for (const auto& address : addresses_of(*new_node)) {
      holders_[address].nodes.insert(new_node->name);
      open_addresses_.insert(address);
    }
  }
}

void LiveRulings::remove(const Claim& claim) {
  auto* claimants = claims_.find(claim.prefix);
  assert(claimants != nullptr);
  const auto claimant =
      std::ranges::find_if(*claimants, [&](const Claimant& other) { return other.is(claim); });
  assert(claimant != claimants->end());
  if (claimant->granted) std::ranges::copy(refused_by(claim), std::back_inserter(open_));
  claimants->erase(claimant);
  if (claimants->empty()) claims_.erase(claim.prefix);
}

/// The claims that a granted one stands in the way of.
std::set<Claim> LiveRulings::refused_by(const Claim& claim) const {
  std::set<Claim> refused;
  claims_.visit_overlapping(claim.prefix, [&](const IpPrefix& prefix, const auto& claimants) {
    for (const auto& claimant : claimants) {
      Claim other{claimant.node, claimant.kind, prefix};
      if (!claimant.granted && rivals(claim, other)) refused.insert(std::move(other));
    }
    return true;
  });
  return refused;
}

std::optional<Claim> LiveRulings::granted_rival(const Claim& claim) const {
  std::optional<Claim> found;
  claims_.visit_overlapping(claim.prefix, [&](const IpPrefix& prefix, const auto& claimants) {
    for (const auto& claimant : claimants) {
      Claim other{claimant.node, claimant.kind, prefix};
      if (!claimant.granted || !rivals(other, claim)) continue;
      found = std::move(other);
      break;
    }
    return !found;
  });
  return found;
}

std::set<std::string> LiveRulings::settle() {
  // What is granted stays so, and an open claim only adds to it: each is looked at once.
  auto open = std::exchange(open_, {});
  std::ranges::sort(open);  // the order of granting
  open.erase(std::unique(open.begin(), open.end()), open.end());
  for (const auto& claim : open) {
    auto* const claimants = claims_.find(claim.prefix);
    if (claimants == nullptr) continue;
    const auto claimant =
        std::ranges::find_if(*claimants, [&](const Claimant& other) { return other.is(claim); });
    if (claimant == claimants->end()) continue;  // withdrawn
    affected_.insert(claim.node);
    if (granted_rival(claim)) continue;
    claimant->granted = true;
    for (const auto& refused : refused_by(claim)) affected_.insert(refused.node);
  }
  for (const auto& address : std::exchange(open_addresses_, {})) {
    const auto holders = holders_.find(address);
    auto& [nodes, owner] = holders->second;
    affected_.insert(nodes.begin(), nodes.end());
    if (nodes.empty()) {
      holders_.erase(holders);
    } else if (!nodes.contains(owner)) {
      owner = *nodes.begin();
    }
  }
  return std::exchange(affected_, {});
}

std::optional<Claim> LiveRulings::obstacle(const Claim& claim) const {
  return granted_rival(claim);
}

const std::string& LiveRulings::address_owner(const IpAddress& address) const {
  return holders_.at(address).owner;
}

void LiveRulings::record(Incumbents& incumbents) const {
  claims_.visit([&](const IpPrefix& prefix, const auto& claimants) {
    for (const auto& claimant : claimants) {
      if (claimant.granted) incumbents.claims.insert({claimant.node, claimant.kind, prefix});
    }
  });
  for (const auto& [address, holders] : holders_) {
    incumbents.addresses.emplace(address, holders.owner);
  }
}

}  // namespace sextant::overlay
