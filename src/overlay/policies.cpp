#include "overlay/policies.h"

#include <algorithm>
#include <utility>

#include "overlay/segments.h"

namespace sextant::overlay {
namespace {

struct Endpoint {
  std::optional<Ipv6Address> address;
  const NodeFacts* node = nullptr;  // null: foreign
  std::string fault;                // without address
};

Endpoint node_endpoint(const NodeFacts& node) {
  if (!node.endpoint) {
    return {.fault = "endpoint node " + node.name + " has no usable IPv6 address"};
  }
  return {.address = node.endpoint, .node = &node};
}

Endpoint find_endpoint(const Policy& object, const Directory& nodes) {
  if (const auto* name = std::get_if<std::string>(&object.endpoint)) {
    const auto* node = nodes.find(*name);
    if (node == nullptr) return {.fault = "endpoint: no node is called '" + *name + "'"};
    return node_endpoint(*node);
  }
  const auto& address = std::get<IpAddress>(object.endpoint);
  if (const auto* node = nodes.by_address(address)) return node_endpoint(*node);
  if (const auto fault = address_fault(address); !fault.empty()) {
    return {.fault = "endpoint " + address.to_string() + " is " + fault};
  }
  if (address.is_v4()) {
    return {.fault = "endpoint: no node has the IPv4 address " + address.to_string()};
  }
  return {.address = address.v6()};
}

/// "candidate path 'left'", or by its place where it has no name.
std::string label(const CandidatePath& path, std::size_t index) {
  return "candidate path " +
         (path.name.empty() ? std::to_string(index + 1) : "'" + path.name + "'");
}

/// One candidate path as this headend sees it; invalid lists are left out of it.
CandidateStatus read_path(const Policy& object, std::size_t index, const ListContext& context,
                          std::set<Problem>& problems) {
  const auto& path = object.paths[index];
  CandidateStatus status{.object = object.key,
                         .key = path.key,
                         .name = path.name,
                         .preference = path.preference,
                         .lists = {},
                         .active = false,
                         .invalid_reason = {}};
  std::string faults;
  for (std::size_t i = 0; i < path.lists.size(); ++i) {
    auto list = complete(path.lists[i], context);
    if (list) {
      status.lists.push_back(std::move(*list));
      continue;
    }
    if (!faults.empty()) faults += "; ";
    faults += "segment list " + std::to_string(i + 1) + ": " + list.error();
  }
  if (path.lists.empty()) faults = "it has no segment list";
  if (status.lists.empty()) status.invalid_reason = faults;
  if (!faults.empty()) {
    problems.insert(policy_problem(
        object, label(path, index) +
                    (status.lists.empty() ? " is not valid: " : " is used without a list: ") +
                    faults));
  }
  return status;
}

/// Chooses the active path among all candidates of the policy. RFC 9256 section 2.9.
void activate(std::vector<CandidateStatus>& candidates,
              const std::optional<srv6::CandidatePathKey>& installed) {
  std::vector<srv6::CandidatePath> paths;
  paths.reserve(candidates.size());
  for (const auto& candidate : candidates) {
    paths.push_back({.key = candidate.key,
                     .name = candidate.name,
                     .preference = candidate.preference,
                     .lists = candidate.lists,
                     .binding_sid = {},
                     .invalid_reason = candidate.invalid_reason});
  }
  if (const auto index = srv6::select_active(paths, installed)) candidates[*index].active = true;
}

/// Why this object's binding SID is not used; empty where it is.
std::string refusal(const Policy& object, const PolicyId& id, const PolicyContext& context) {
  auto fault = binding_sid_fault(*object.binding_sid, context.nodes);
  if (!fault.empty()) return "it is " + fault;
  const auto& owner = context.binding_sid_owner(*object.binding_sid);
  if (owner.policy == id) return {};
  return owner.object.to_string() + " has it already";
}

/// The active path's object decides (RFC 9256 section 6.2), else the first by key that has one.
std::optional<srv6::Sid> choose_binding_sid(const PolicyId& id, const PolicyStatus& policy,
                                            std::span<const Policy* const> objects,
                                            const PolicyContext& context,
                                            std::set<Problem>& problems) {
  const auto* active_path = active(policy);
  std::optional<srv6::Sid> chosen;
  for (const auto* object : objects) {
    if (!object->binding_sid) continue;
    if (const auto reason = refusal(*object, id, context); !reason.empty()) {
      problems.insert(policy_problem(
          *object, "binding SID " + object->binding_sid->to_string() + " is not used: " + reason));
      continue;
    }
    const bool is_active = active_path != nullptr && active_path->object == object->key;
    if (!chosen || is_active) chosen = object->binding_sid;
  }
  return chosen;
}

}  // namespace

Problem policy_problem(const Policy& object, std::string reason) {
  return {object.key, object.location, std::move(reason)};
}

Problem selects_nothing_problem(const Policy& object) {
  return policy_problem(object, "its headend selects no node");
}

PolicyReading read_policy(const Policy& object, const Directory& nodes, const Headend& headend) {
  PolicyReading reading;
  const auto problem = [&](std::string reason) {
    reading.problems.push_back(policy_problem(object, std::move(reason)));
  };
  if (object.color.value == 0) problem("color 0 is not a color (RFC 9256 section 2.1)");
  if (!object.ipv4 && !object.ipv6) problem("carries traffic of no family");
  const auto endpoint = find_endpoint(object, nodes);
  if (!endpoint.address) problem(endpoint.fault);
  const bool usable = reading.problems.empty();
  if (object.paths.empty()) problem("has no candidate path");

  const bool here = headend.can_encapsulate() && selects(object.headend, *headend.node);
  const bool to_itself = endpoint.node != nullptr && endpoint.node == headend.facts;
  if (usable && here && !to_itself) reading.applies = PolicyId{*endpoint.address, object.color};
  return reading;
}

std::string binding_sid_fault(const srv6::Sid& sid, const Directory& nodes) {
  if (auto fault = address_fault(sid.address()); !fault.empty()) return fault;
  if (const auto* node = nodes.by_address(sid.address())) return "an address of node " + node->name;
  if (const auto* node = nodes.by_sid(sid)) return "a SID of node " + node->name;
  return {};
}

std::optional<PolicyStatus> evaluate(const PolicyId& id, Family family,
                                     std::span<const Policy* const> objects,
                                     const PolicyContext& context,
                                     const std::optional<srv6::CandidatePathKey>& installed,
                                     std::set<Problem>& problems) {
  std::vector<const Policy*> carriers;
  std::ranges::copy_if(objects, std::back_inserter(carriers), [&](const Policy* object) {
    return family == Family::kIpv4 ? object->ipv4 : object->ipv6;
  });
  if (carriers.empty()) return std::nullopt;

  const auto* endpoint = context.nodes.by_address(id.endpoint);
  const ListContext lists{.nodes = context.nodes,
                          .endpoint = endpoint,
                          .family = family,
                          .max_segments = context.settings.max_segments};
  PolicyStatus policy;
  policy.path = id.path(family);
  if (endpoint != nullptr) policy.endpoint_node = endpoint->name;
  for (const auto* object : carriers) {
    if (object->fallback == Fallback::kDrop) policy.fallback = Fallback::kDrop;
    for (std::size_t i = 0; i < object->paths.size(); ++i) {
      policy.candidates.push_back(read_path(*object, i, lists, problems));
    }
  }
  activate(policy.candidates, installed);
  policy.binding_sid = choose_binding_sid(id, policy, carriers, context, problems);
  return policy;
}

const CandidateStatus* active(const PolicyStatus& policy) {
  const auto found = std::ranges::find_if(policy.candidates, &CandidateStatus::active);
  return found == policy.candidates.end() ? nullptr : &*found;
}

std::optional<srv6::CandidatePathKey> active_key(const PolicyTable& policies, const PathKey& path) {
  const auto policy = policies.find(path);
  if (policy == policies.end()) return std::nullopt;
  const auto* active_path = active(policy->second);
  if (active_path == nullptr) return std::nullopt;
  return active_path->key;
}

std::map<srv6::Sid, LocalSid> binding_sids(const PolicyId& id, const PolicyTable& policies) {
  std::map<srv6::Sid, LocalSid> sids;
  for (const auto family : {Family::kIpv6, Family::kIpv4}) {
    const auto policy = policies.find(id.path(family));
    if (policy == policies.end() || !policy->second.binding_sid) continue;
    if (const auto* path = active(policy->second)) {
      sids.try_emplace(*policy->second.binding_sid,
                       LocalSid{srv6::Behavior::kEndB6Encaps, std::nullopt, path->lists});
    }
  }
  return sids;
}

}  // namespace sextant::overlay
