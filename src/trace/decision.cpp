#include "trace/decision.h"

#include <algorithm>

#include "overlay/policies.h"

namespace sextant::trace {
namespace {

using overlay::CandidateStatus;
using overlay::PathKey;
using overlay::PolicyStatus;
using overlay::RouteKey;
using overlay::RouteScope;
using overlay::RouteTarget;

using Routes = std::map<RouteKey, RouteTarget>;

/// Longest match. Packets of pods try the routes for pods first, as the data plane does.
Routes::const_iterator find_route(const Routes& routes, const IpAddress& destination, bool pod) {
  for (const auto scope : {RouteScope::kPods, RouteScope::kAll}) {
    if (scope == RouteScope::kPods && !pod) continue;
    for (int length = address_bits(destination.family()); length >= 0; --length) {
      const auto found =
          routes.find({scope, IpPrefix(destination, static_cast<std::uint8_t>(length))});
      if (found != routes.end()) return found;
    }
  }
  return routes.end();
}

std::string count(std::size_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

/// RFC 9256 section 2.9, in the order of its rules.
std::string why_active(const std::vector<CandidateStatus>& candidates,
                       const CandidateStatus& chosen) {
  if (candidates.size() == 1) return "the only candidate path";
  std::size_t valid = 0, as_preferred = 0, of_origin = 0;
  for (const auto& each : candidates) {
    if (!each.invalid_reason.empty()) continue;
    ++valid;
    if (each.preference != chosen.preference) continue;
    ++as_preferred;
    if (each.key.origin == chosen.key.origin) ++of_origin;
  }
  const auto total = count(candidates.size(), "candidate path", "candidate paths");
  if (valid == 1) return "the only valid one of " + total;
  if (as_preferred == 1) return "the highest preference of " + total;
  if (of_origin == 1) return "the highest protocol origin of those with the highest preference";
  return "the tie-break among " + std::to_string(of_origin) +
         " of the same preference and protocol origin (installed, originator, discriminator)";
}

/// The policies of this endpoint and family; all share what `like` has of them.
std::vector<const PolicyStatus*> policies_towards(const View& view, const PathKey& like) {
  std::vector<const PolicyStatus*> found;
  for (auto at = view.policies.lower_bound(PathKey{like.endpoint, std::nullopt, Family::kIpv4});
       at != view.policies.end() && at->first.endpoint == like.endpoint; ++at) {
    if (at->first.family == like.family) found.push_back(&at->second);
  }
  return found;
}

/// The color that steers the prefix; none where it takes the best policy.
std::optional<srv6::Color> color_of(const View& view, const Party& destination,
                                    const IpPrefix& prefix) {
  const auto node = view.intent.nodes.find(destination.node);
  if (node == view.intent.nodes.end()) return std::nullopt;
  for (const auto& pods : node->second.pod_prefixes) {
    if (pods.prefix == prefix) return pods.color;
  }
  return std::nullopt;
}

/// "; SRv6Policy/gold: segment list 1: ends at ...", of the first candidate path that says why.
std::string first_fault(const std::vector<const PolicyStatus*>& policies) {
  for (const auto* policy : policies) {
    for (const auto& candidate : policy->candidates) {
      if (!candidate.invalid_reason.empty())
        return "; " + candidate.object.to_string() + ": " + candidate.invalid_reason;
    }
  }
  return {};
}

std::string why_plain(const std::vector<const PolicyStatus*>& policies, const std::string& family,
                      const std::optional<srv6::Color>& wanted) {
  if (policies.empty()) return "no policy for " + family + " towards it";
  if (wanted) {
    return "the prefix has color " + std::to_string(wanted->value) +
           ", and no policy of that color is valid" + first_fault(policies);
  }
  return (policies.size() == 1
              ? "its only policy is not valid"
              : "none of its " + std::to_string(policies.size()) + " policies is valid") +
         first_fault(policies);
}

/// Whatever endpoint and color they have: a drop names none.
std::vector<const PolicyStatus*> policies_of_node(const View& view, const Party& destination) {
  std::vector<const PolicyStatus*> found;
  for (const auto& [path, policy] : view.policies) {
    if (policy.endpoint_node == destination.node && path.family == destination.address.family() &&
        policy.fallback == overlay::Fallback::kDrop)
      found.push_back(&policy);
  }
  return found;
}

std::string why_policy(const View& view, const PathKey& path,
                       const std::optional<srv6::Color>& wanted) {
  const auto all = policies_towards(view, path);
  const std::string family(to_string(path.family));
  if (!path.color) return why_plain(all, family, wanted);
  if (wanted) return "the prefix has color " + std::to_string(wanted->value);
  if (all.size() == 1) return "the only policy for " + family + " towards it";
  std::vector<std::uint32_t> preferences;
  std::uint32_t chosen = 0;
  for (const auto* each : all) {
    const auto* active = overlay::active(*each);
    if (active == nullptr) continue;
    preferences.push_back(active->preference);
    if (each->path == path) chosen = active->preference;
  }
  if (preferences.size() == 1) {
    return "the only valid one of " + count(all.size(), "policy", "policies");
  }
  const auto among = std::to_string(preferences.size()) + " valid policies";
  return std::ranges::count(preferences, chosen) == 1
             ? "the highest preference of " + among
             : "the lowest color at the highest preference of " + among;
}

void describe_path(const View& view, const PathKey& path, const std::optional<srv6::Color>& wanted,
                   Decision& decision) {
  decision.outcome = Outcome::kPath;
  decision.path = path;
  decision.reason = why_policy(view, path, wanted);
  if (const auto found = view.forwarding.paths.find(path); found != view.forwarding.paths.end()) {
    decision.lists = found->second.lists;
  }
  if (!path.color) return;
  const auto policy = view.policies.find(path);
  if (policy == view.policies.end()) return;
  decision.policy = policy->second;
  if (const auto* active = overlay::active(policy->second)) {
    decision.candidate_reason = why_active(policy->second.candidates, *active);
  }
}

class Finder {
 public:
  Finder(const overlay::Resolver& here, const overlay::Settings& settings)
      : here_(here), settings_(settings) {}

  /// The node's resolution: the live one for this node. Kept while the finder lives.
  View view(const std::string& node) {
    if (node == settings_.node) return {node, here_.intent(), here_.forwarding(), here_.policies()};
    auto found = others_.find(node);
    if (found == others_.end()) {
      overlay::Settings other = settings_;
      other.node = node;
      found = others_.emplace(node, overlay::resolve(here_.intent(), other)).first;
    }
    return {node, here_.intent(), found->second.forwarding, found->second.policies};
  }

  std::optional<IpAddress> overlay_address(const std::string& node, Family family) {
    const auto& forwarding = view(node).forwarding;
    if (family == Family::kIpv4) {
      if (forwarding.overlay_ipv4) return *forwarding.overlay_ipv4;
    } else if (forwarding.overlay_ipv6) {
      return *forwarding.overlay_ipv6;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_node(const std::string& name) const {
    return here_.intent().nodes.contains(name);
  }

  Result<Party> find(const std::string& text, std::optional<Family> family) {
    const auto address = IpAddress::parse(text);
    if (!address) return find_node(text, family);
    const overlay::Node* owner = nullptr;
    bool pod = false;
    std::uint8_t longest = 0;
    for (const auto& [name, node] : here_.intent().nodes) {
      for (const auto& pods : node.pod_prefixes) {
        if (!pods.prefix.contains(*address) || (pod && pods.prefix.length() <= longest)) continue;
        owner = &node;
        pod = true;
        longest = pods.prefix.length();
      }
      if (!pod && std::ranges::find(node.addresses, *address) != node.addresses.end()) {
        owner = &node;
      }
    }
    if (owner == nullptr) {
      return failure("trace", text,
                     "it lies in no pod prefix, and no node has it: it is not in the overlay",
                     "`sextant nodes` lists the pod prefixes and addresses");
    }
    // The node's overlay address is not a pod's.
    if (pod && overlay_address(owner->name, address->family()) == *address) pod = false;
    return Party{*address, owner->name, pod};
  }

 private:
  Result<Party> find_node(const std::string& name, std::optional<Family> family) {
    if (!is_node(name)) {
      return failure("trace", name, "it is neither an address nor the name of a node",
                     "`sextant nodes` lists the nodes; pods go by their address");
    }
    if (here_.intent().nodes.at(name).pod_prefixes.empty()) {
      return failure("trace", name, "it has no pod prefixes, so no address in the overlay",
                     "name a node with pods");
    }
    const auto wanted = family.value_or(Family::kIpv4);
    auto address = overlay_address(name, wanted);
    if (!address && !family) address = overlay_address(name, Family::kIpv6);
    if (!address) {
      return failure("trace", name,
                     "node has no " + std::string(to_string(wanted)) +
                         " pod prefix, so no such address in the overlay");
    }
    return Party{*address, name, false};
  }

  const overlay::Resolver& here_;
  const overlay::Settings& settings_;
  std::map<std::string, overlay::Resolution> others_;
};

std::optional<Family> family_of(const std::string& text) {
  const auto address = IpAddress::parse(text);
  return address ? std::optional(address->family()) : std::nullopt;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPath:
      return "Path";
    case Outcome::kLocal:
      return "Local";
    case Outcome::kDrop:
      return "Drop";
    case Outcome::kUnreachable:
      return "Unreachable";
    case Outcome::kNoRoute:
      return "NoRoute";
  }
  return "NoRoute";
}

Decision decide(const View& view, const Party& source, const Party& destination) {
  Decision decision{.headend = view.node,
                    .encapsulation_source = view.forwarding.encapsulation_source};
  if (destination.node == view.node) {
    decision.outcome = Outcome::kLocal;
    decision.reason = "both are on node " + view.node + ": nothing is encapsulated";
    return decision;
  }
  const auto found = find_route(view.forwarding.routes, destination.address, source.pod);
  if (found == view.forwarding.routes.end()) {
    decision.reason = "node " + view.node + " has no overlay route to it";
    if (!source.pod && !destination.pod) {
      decision.reason += ": nodes reach each other's own addresses through the underlay";
    }
    return decision;
  }
  decision.route = found->first;
  if (const auto* path = std::get_if<PathKey>(&found->second)) {
    describe_path(view, *path, color_of(view, destination, found->first.prefix), decision);
  } else if (std::holds_alternative<overlay::Drop>(found->second)) {
    decision.outcome = Outcome::kDrop;
    decision.reason = "no candidate path is valid, and the policy's fallback is to drop" +
                      first_fault(policies_of_node(view, destination));
  } else {
    decision.outcome = Outcome::kUnreachable;
    decision.reason = "it lies in a prefix of the node itself that nothing more specific covers";
  }
  return decision;
}

Result<Decisions> decide(const overlay::Resolver& here, const overlay::Settings& settings,
                         const std::string& source, const std::string& destination,
                         std::optional<Family> family) {
  Finder finder(here, settings);
  for (const auto* text : {&source, &destination}) {
    const auto own = family_of(*text);
    if (!own) continue;
    if (family && *own != *family) {
      return failure("trace", source + " to " + destination,
                     *text + " is not " + std::string(to_string(*family)),
                     "both must be of one family");
    }
    family = own;
  }
  if (!family && finder.is_node(source) && finder.is_node(destination) &&
      !(finder.overlay_address(source, Family::kIpv4) &&
        finder.overlay_address(destination, Family::kIpv4))) {
    family = Family::kIpv6;
  }
  const auto from = finder.find(source, family);
  if (!from) return tl::unexpected(from.error());
  const auto to = finder.find(destination, family);
  if (!to) return tl::unexpected(to.error());
  if (from->address == to->address) {
    return failure("trace", source + " to " + destination, "they are one and the same");
  }
  return Decisions{.source = *from,
                   .destination = *to,
                   .forward = decide(finder.view(from->node), *from, *to),
                   .reverse = decide(finder.view(to->node), *to, *from)};
}

}  // namespace sextant::trace
