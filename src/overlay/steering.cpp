#include "overlay/steering.h"

#include <algorithm>

namespace sextant::overlay {
namespace {

/// The first address that packets can come from: not the prefix's own (the subnet-router anycast
/// address of RFC 4291).
IpAddress overlay_address(const IpPrefix& prefix) {
  return prefix.at(1).value_or(prefix.address());
}

/// Chooses a target for each prefix of one endpoint.
class Steering {
 public:
  Steering(const Ipv6Address& endpoint, const PolicyTable& policies)
      : endpoint_(endpoint), policies_(policies) {
    auto policy = policies.lower_bound(PathKey{endpoint, std::nullopt, Family::kIpv4});
    for (; policy != policies.end() && policy->first.endpoint == endpoint; ++policy) {
      rank(policy->second);
    }
  }

  [[nodiscard]] RouteTarget target(Family family, const std::optional<srv6::Color>& color) const {
    const PathKey plain{endpoint_, std::nullopt, family};
    if (color) {
      const auto policy = policies_.find(PathKey{endpoint_, color, family});
      if (policy == policies_.end()) return plain;
      if (active(policy->second) != nullptr) return policy->first;
      if (policy->second.fallback == Fallback::kDrop) return Drop{};
      return plain;
    }
    const auto& choice = family == Family::kIpv4 ? ipv4_ : ipv6_;
    if (choice.best != nullptr) return choice.best->path;
    if (choice.drop) return Drop{};
    return plain;
  }

 private:
  struct Choice {
    const PolicyStatus* best = nullptr;  // highest preference of the active path, then lower color
    std::uint32_t preference = 0;
    bool drop = false;  // a policy that is not valid wants its traffic dropped
  };

  void rank(const PolicyStatus& policy) {
    auto& choice = policy.path.family == Family::kIpv4 ? ipv4_ : ipv6_;
    const auto* path = active(policy);
    if (path == nullptr) {
      choice.drop |= policy.fallback == Fallback::kDrop;
    } else if (choice.best == nullptr || path->preference > choice.preference) {
      choice.best = &policy;  // policies come by rising color
      choice.preference = path->preference;
    }
  }

  const Ipv6Address& endpoint_;
  const PolicyTable& policies_;
  Choice ipv4_, ipv6_;
};

}  // namespace

ForwardingDiff::Identity identity_of(const NodeFacts& self) {
  ForwardingDiff::Identity identity;
  identity.encapsulation_source = self.endpoint;
  if (self.locator) identity.locator = self.locator->prefix();
  for (const auto& pod_prefix : self.pod_prefixes) {
    identity.pod_prefixes.push_back(pod_prefix.prefix);
    // Without one, nodes talk to pods from their own addresses, which pods reach in the overlay
    // too.
    if (self.pods_have_all_addresses) continue;
    const auto address = overlay_address(pod_prefix.prefix);
    if (address.is_v4() && !identity.overlay_ipv4) identity.overlay_ipv4 = address.v4();
    if (address.is_v6() && !identity.overlay_ipv6) identity.overlay_ipv6 = address.v6();
  }
  std::ranges::sort(identity.pod_prefixes);
  return identity;
}

NodePart own_part(const NodeFacts& self) {
  NodePart part;
  const auto add = [&](const std::optional<srv6::Sid>& sid, srv6::Behavior behavior) {
    if (sid) part.local_sids.try_emplace(*sid, LocalSid{behavior, std::nullopt, {}});
  };
  add(self.end, srv6::Behavior::kEnd);
  add(self.dt4, srv6::Behavior::kEndDt4);
  add(self.dt6, srv6::Behavior::kEndDt6);
  add(self.dt46, srv6::Behavior::kEndDt46);
  if (self.locator)
    part.routes.emplace(RouteKey{RouteScope::kAll, self.locator->prefix()}, Unreachable{});
  for (const auto& pod_prefix : self.pod_prefixes) {
    part.routes.emplace(RouteKey{RouteScope::kAll, pod_prefix.prefix}, Unreachable{});
  }
  return part;
}

NodePart remote_part(const NodeFacts& node, const PolicyTable& policies) {
  NodePart part;
  if (!node.endpoint || !node.locator) return part;
  if (node.reach == LocatorReach::kOnLink) {
    part.locator_routes.emplace(node.locator->prefix(), *node.endpoint);
  }
  if (!node.reachable()) return part;

  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    part.paths[{*node.endpoint, std::nullopt, family}] = Path{{{{*node.service_sid(family)}, 1}}};
  }
  const Steering steering(*node.endpoint, policies);
  const auto route = [&](RouteScope scope, const IpPrefix& prefix,
                         const std::optional<srv6::Color>& color) {
    auto target = steering.target(prefix.family(), color);
    if (const auto* path = std::get_if<PathKey>(&target); path != nullptr && path->color) {
      part.steered[*path].push_back(prefix);
    }
    part.routes.emplace(RouteKey{scope, prefix}, std::move(target));
  };
  for (const auto& pod_prefix : node.pod_prefixes) {
    route(RouteScope::kAll, pod_prefix.prefix, pod_prefix.color);
  }
  for (const auto& address : node.addresses) {
    route(RouteScope::kPods, IpPrefix::host(address), std::nullopt);
  }
  for (auto& [path, prefixes] : part.steered) {
    std::ranges::sort(prefixes);
    // An address may be a pod prefix too.
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  }
  return part;
}

}  // namespace sextant::overlay
