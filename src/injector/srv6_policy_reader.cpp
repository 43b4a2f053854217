#include "injector/srv6_policy_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sextant::injector {
namespace {

using overlay::Node;
using Nodes = std::map<std::string, Node>;

constexpr std::uint8_t kDropUponInvalid = 0x40;  // RFC 9830 section 2.4.2
constexpr std::string_view kExplain =
    "; give the SRv6Node (or Node) of that name in the same files, or write the address";

struct KnownSid {
  srv6::Sid sid;
  srv6::Behavior behavior;
};

std::optional<srv6::Sid> sid_of(const Node& node, srv6::Behavior behavior) {
  const auto& fixed = behavior == srv6::Behavior::kEnd      ? node.sids.end
                      : behavior == srv6::Behavior::kEndDt4 ? node.sids.dt4
                      : behavior == srv6::Behavior::kEndDt6 ? node.sids.dt6
                                                            : node.sids.dt46;
  if (fixed) return fixed;
  if (!node.locator) return std::nullopt;
  return srv6::derived_sid(*node.locator, behavior);
}

/// One policy's translation. Methods give nothing after an error, which stands in the findings.
class Injection {
 public:
  Injection(const overlay::Policy& policy, const Nodes& nodes,
            std::vector<sources::Finding>& findings)
      : policy_(policy), nodes_(nodes), findings_(findings) {}

  [[nodiscard]] std::vector<PlacedPolicy> run();

 private:
  void error(std::string reason) {
    failed_ = true;
    findings_.push_back(
        {sources::Severity::kError, {policy_.key, policy_.location, std::move(reason)}});
  }
  [[nodiscard]] const Node* node(const std::string& name, std::string_view field) {
    const auto found = nodes_.find(name);
    if (found != nodes_.end()) return &found->second;
    error(std::string(field) + ": '" + name + "' is a name, which BGP does not carry" +
          std::string(kExplain));
    return nullptr;
  }
  [[nodiscard]] std::optional<IpAddress> endpoint();
  [[nodiscard]] std::vector<Ipv4Address> headends();
  [[nodiscard]] std::optional<Ipv4Address> identifier(const Node& node);
  [[nodiscard]] std::optional<bgp::WeightedSegmentList> list(const overlay::WeightedSegments& from,
                                                             std::string_view path);
  [[nodiscard]] std::optional<srv6::Behavior> decapsulating(const srv6::Sid& sid) const;

  const overlay::Policy& policy_;
  const Nodes& nodes_;
  std::vector<sources::Finding>& findings_;
  bool failed_ = false;
};

std::optional<IpAddress> Injection::endpoint() {
  if (const auto* address = std::get_if<IpAddress>(&policy_.endpoint)) return *address;
  const auto* found = node(std::get<std::string>(policy_.endpoint), "spec.endpoint.nodeName");
  if (found == nullptr) return std::nullopt;
  const auto ipv6 = std::ranges::find_if(found->addresses, &IpAddress::is_v6);
  if (ipv6 != found->addresses.end()) return *ipv6;
  error("spec.endpoint.nodeName: no IPv6 address of node '" + found->name + "' is known");
  return std::nullopt;
}

/// A speaker's identifier is its node's first IPv4 address, unless its settings say otherwise.
std::optional<Ipv4Address> Injection::identifier(const Node& node) {
  const auto ipv4 = std::ranges::find_if(node.addresses, &IpAddress::is_v4);
  if (ipv4 != node.addresses.end()) return ipv4->v4();
  error("spec.headend: the BGP identifier of node '" + node.name +
        "' is not known: no IPv4 address is among its addresses; name the identifier itself in "
        "nodeNames");
  return std::nullopt;
}

std::vector<Ipv4Address> Injection::headends() {
  std::vector<Ipv4Address> found;
  for (const auto& name : policy_.headend.names) {
    if (const auto address = Ipv4Address::parse(name)) {
      found.push_back(*address);
      continue;
    }
    const auto* named = node(name, "spec.headend.nodeNames");
    if (named == nullptr) continue;
    const bool labelled = std::ranges::all_of(policy_.headend.match_labels, [&](const auto& label) {
      const auto it = named->labels.find(label.first);
      return it != named->labels.end() && it->second == label.second;
    });
    if (!labelled) continue;
    if (const auto id = identifier(*named)) found.push_back(*id);
  }
  if (policy_.headend.names.empty() && !policy_.headend.match_labels.empty()) {
    for (const auto& [name, candidate] : nodes_) {
      const bool labelled =
          std::ranges::all_of(policy_.headend.match_labels, [&](const auto& label) {
            const auto it = candidate.labels.find(label.first);
            return it != candidate.labels.end() && it->second == label.second;
          });
      if (!labelled) continue;
      if (const auto id = identifier(candidate)) found.push_back(*id);
    }
  }
  const bool selective = !policy_.headend.names.empty() || !policy_.headend.match_labels.empty();
  if (found.empty() && selective && !failed_)
    error("spec.headend: no node in these files has these labels" + std::string(kExplain));
  return found;
}

std::optional<srv6::Behavior> Injection::decapsulating(const srv6::Sid& sid) const {
  for (const auto& [name, candidate] : nodes_) {
    for (const auto behavior :
         {srv6::Behavior::kEndDt4, srv6::Behavior::kEndDt6, srv6::Behavior::kEndDt46}) {
      if (sid_of(candidate, behavior) == sid) return behavior;
    }
  }
  return std::nullopt;
}

std::optional<bgp::WeightedSegmentList> Injection::list(const overlay::WeightedSegments& from,
                                                        std::string_view path) {
  bgp::WeightedSegmentList result{.weight = from.weight};
  for (const auto& segment : from.segments) {
    if (const auto* sid = std::get_if<srv6::Sid>(&segment)) {
      result.segments.push_back(bgp::Segment::of(sid->address()));
      continue;
    }
    const auto* named = node(std::get<std::string>(segment), path);
    if (named == nullptr) return std::nullopt;
    const auto end = sid_of(*named, srv6::Behavior::kEnd);
    if (!end) {
      error(std::string(path) + ": no End SID of '" + named->name + "' is known");
      return std::nullopt;
    }
    result.segments.push_back(bgp::Segment::of(end->address()));
  }
  auto& last = result.segments.back();
  const auto behavior = decapsulating(srv6::Sid(last.sid));
  if (behavior) last = bgp::Segment::of(last.sid, bgp::SidBehavior{.behavior = *behavior});
  const auto carries = [&](Family family) {
    return !behavior || srv6::decapsulates(*behavior, family);
  };
  if ((policy_.ipv4 && policy_.ipv6) ||
      (policy_.ipv4 == carries(Family::kIpv4) && policy_.ipv6 == carries(Family::kIpv6)))
    return result;
  error(
      "spec.ipFamilies: BGP says which family a list carries by the behavior of its last segment "
      "alone, and " +
      srv6::Sid(last.sid).to_string() +
      " is not known as a decapsulating SID of that family; leave ipFamilies out, or write an "
      "InjectedPolicy with the behavior");
  return std::nullopt;
}

std::vector<PlacedPolicy> Injection::run() {
  const auto to = endpoint();
  const auto targets = headends();
  std::vector<PlacedPolicy> placed;
  for (const auto& path : policy_.paths) {
    auto& injected = placed.emplace_back();
    injected.location = policy_.location;
    auto& policy = injected.policy;
    policy.name = policy_.key.name;
    policy.key = {.distinguisher = path.key.discriminator,
                  .color = policy_.color,
                  .endpoint = to.value_or(IpAddress())};
    policy.headends = targets;
    policy.tunnel.preference = path.preference;
    if (policy_.binding_sid) policy.tunnel.binding_sid = {.sid = policy_.binding_sid->address()};
    if (policy_.fallback == overlay::Fallback::kDrop) {
      if (!policy.tunnel.binding_sid) policy.tunnel.binding_sid.emplace();
      policy.tunnel.binding_sid->flags = kDropUponInvalid;
    }
    policy.tunnel.policy_name = policy_.key.name;
    policy.tunnel.candidate_path_name = path.name;
    for (const auto& from : path.lists) {
      if (auto made = list(from, "spec.candidatePaths '" + path.name + "'"))
        policy.tunnel.lists.push_back(std::move(*made));
    }
  }
  if (failed_) placed.clear();
  return placed;
}

}  // namespace

std::vector<PlacedPolicy> inject(const overlay::Policy& policy, const Nodes& nodes,
                                 std::vector<sources::Finding>& findings) {
  return Injection(policy, nodes, findings).run();
}

}  // namespace sextant::injector
