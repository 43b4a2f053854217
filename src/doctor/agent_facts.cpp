#include "doctor/agent_facts.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>

#include "agent/http_client.h"

namespace sextant::doctor {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{3};

const json::value* find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text(const json::value& value, std::string_view key) {
  const auto* member = find(value, key);
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : "";
}

const json::array& list(const json::value& value, std::string_view key) {
  static const json::array kNone;
  const auto* member = find(value, key);
  return member != nullptr && member->is_array() ? member->get_array() : kNone;
}

template <typename T>
std::optional<T> parsed(const std::string& words) {
  auto value = T::parse(words);
  if (!value) return std::nullopt;
  return std::move(*value);
}

template <typename T>
std::vector<T> parsed_list(const json::array& array) {
  std::vector<T> values;
  for (const auto& element : array) {
    if (!element.is_string()) continue;
    if (auto value = parsed<T>(std::string(element.get_string())))
      values.push_back(std::move(*value));
  }
  return values;
}

json::value parse_or_null(const std::string& body) {
  json::error_code error;
  auto value = json::parse(body, error);
  return error ? json::value(nullptr) : value;
}

bool truth(const json::value& value, std::string_view key) {
  const auto* member = find(value, key);
  return member != nullptr && member->is_bool() && member->get_bool();
}

constexpr std::string_view kBgp = "BGP/";

/// Not a policy that came over BGP, which is called by its endpoint.
bool is_of_bgp_speaker(const std::string& object) {
  return object.starts_with(kBgp) && object.find(':') == std::string::npos;
}

std::optional<ApiServer> server_of(const json::value& status) {
  const auto* source = find(status, "source");
  const auto* server = source == nullptr ? nullptr : find(*source, "server");
  if (server == nullptr || !server->is_object()) return std::nullopt;
  ApiServer facts{.url = text(*server, "url"),
                  .reachable = truth(*server, "reachable"),
                  .error = text(*server, "error"),
                  .calico_ipam = text(*server, "ipam") == "calico",
                  .kinds = {}};
  for (const auto& kind : list(*server, "kinds"))
    if (kind.is_object())
      facts.kinds.push_back({text(kind, "kind"), text(kind, "resource"), truth(kind, "installed"),
                             text(kind, "error")});
  return facts;
}

void take_status(const json::value& status, AgentFacts& facts) {
  const auto* healthy = find(status, "healthy");
  facts.healthy = healthy != nullptr && healthy->is_bool() && healthy->get_bool();
  for (const auto& reason : list(status, "reasons"))
    if (reason.is_string()) facts.reasons.emplace_back(reason.get_string());
  for (const auto& problem : list(status, "applyProblems"))
    facts.apply_problems.push_back(
        {text(problem, "object"), text(problem, "cause"), text(problem, "hint")});
  for (const auto& problem : list(status, "problems")) {
    const auto object = text(problem, "object");
    if (is_of_bgp_speaker(object)) {
      facts.bgp_problems.push_back({object.substr(kBgp.size()), text(problem, "reason"), ""});
    } else {
      ++facts.source_problems;
    }
  }
  if (const auto* dataplane = find(status, "dataplane")) {
    for (const auto& capability : list(*dataplane, "capabilities"))
      if (text(capability, "name") == "fast path" && text(capability, "choice") == "none")
        facts.no_fast_path = text(capability, "reason");
  }
  facts.node = text(status, "node");
  facts.server = server_of(status);
  if (const auto* depth = find(status, "maxSegments"); depth != nullptr && depth->is_int64())
    facts.max_segments = static_cast<std::size_t>(std::max<std::int64_t>(0, depth->get_int64()));
  facts.encapsulation_source = parsed<Ipv6Address>(text(status, "encapsulationSource"));
  facts.overlay_addresses = parsed_list<IpAddress>(list(status, "overlayAddresses"));
  facts.locator = parsed<IpPrefix>(text(status, "locator"));
  facts.pod_prefixes = parsed_list<IpPrefix>(list(status, "podPrefixes"));
}

PeerNode peer_of(const json::value& item) {
  PeerNode node{.name = text(item, "name"),
                .addresses = parsed_list<IpAddress>(list(item, "addresses")),
                .locator = parsed<IpPrefix>(text(item, "locator"))};
  if (const auto* sids = find(item, "sids")) {
    node.end = parsed<srv6::Sid>(text(*sids, "end"));
    const auto both = parsed<srv6::Sid>(text(*sids, "dt46"));
    node.dt4 = parsed<srv6::Sid>(text(*sids, "dt4"));
    node.dt6 = parsed<srv6::Sid>(text(*sids, "dt6"));
    if (!node.dt4) node.dt4 = both;
    if (!node.dt6) node.dt6 = both;
  }
  node.on_link = text(item, "locatorReach") == "OnLink";
  for (const auto& prefix : list(item, "podPrefixes"))
    if (auto value = parsed<IpPrefix>(text(prefix, "prefix")))
      node.pod_prefixes.push_back(std::move(*value));
  return node;
}

void take_policy(const json::value& item, AgentFacts& facts) {
  for (const auto& candidate : list(item, "candidatePaths")) {
    const auto* active = find(candidate, "active");
    if (active == nullptr || !active->is_bool() || !active->get_bool()) continue;
    for (const auto& each : list(candidate, "segmentLists")) {
      ActiveList entry{.policy = text(candidate, "object"),
                       .node = text(item, "node"),
                       .family = text(item, "family") == "IPv4" ? Family::kIpv4 : Family::kIpv6,
                       .segments = parsed_list<srv6::Sid>(list(each, "segments"))};
      if (!entry.segments.empty()) facts.lists.push_back(std::move(entry));
    }
  }
}

std::optional<IpAddress> first_of(const std::vector<IpPrefix>& prefixes, Family family) {
  for (const auto& prefix : prefixes)
    if (prefix.family() == family) return prefix.at(1).value_or(prefix.address());
  return std::nullopt;
}

}  // namespace

std::optional<IpAddress> PeerNode::overlay_address(Family family) const {
  return first_of(pod_prefixes, family);
}

std::optional<IpAddress> PeerNode::underlay_address(Family family) const {
  for (const auto& address : addresses)
    if (address.family() == family) return address;
  return std::nullopt;
}

bool AgentFacts::has_pods_of(Family family) const {
  return std::any_of(pod_prefixes.begin(), pod_prefixes.end(),
                     [family](const IpPrefix& prefix) { return prefix.family() == family; });
}

std::optional<IpAddress> AgentFacts::overlay_address(Family family) const {
  for (const auto& address : overlay_addresses)
    if (address.family() == family) return address;
  return std::nullopt;
}

std::optional<IpAddress> AgentFacts::underlay_address(Family family) const {
  if (family == Family::kIpv6 && encapsulation_source) return *encapsulation_source;
  for (const auto& address : own_addresses)
    if (address.family() == family) return address;
  return std::nullopt;
}

AgentFacts parse_agent(const std::string& status, const std::string& nodes,
                       const std::string& policies) {
  AgentFacts facts;
  take_status(parse_or_null(status), facts);
  const auto all_nodes = parse_or_null(nodes);
  for (const auto& item : list(all_nodes, "items")) {
    const auto* self = find(item, "self");
    auto peer = peer_of(item);
    if (self != nullptr && self->is_bool() && self->get_bool()) {
      facts.own_end = peer.end;
      facts.own_addresses = std::move(peer.addresses);
    } else if (text(item, "role") == "Node") {
      facts.peers.push_back(std::move(peer));
    }
  }
  const auto all_policies = parse_or_null(policies);
  for (const auto& item : list(all_policies, "items")) take_policy(item, facts);
  return facts;
}

AgentFacts ask_agent(const std::string& socket) {
  std::string bodies[3];
  const char* const paths[3] = {"/v1/status", "/v1/nodes", "/v1/policies"};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto reply = agent::http_get(socket, paths[i], kPatience);
    AgentFacts facts;
    if (!reply) {
      facts.unreachable = reply.error().object + ": " + reply.error().cause;
      facts.hint = reply.error().hint;
      return facts;
    }
    if (reply->status != 200) {
      facts.unreachable = std::string(paths[i]) + " answered " + std::to_string(reply->status);
      facts.hint = "see its log (journalctl -u sextantd)";
      return facts;
    }
    bodies[i] = reply->body;
  }
  return parse_agent(bodies[0], bodies[1], bodies[2]);
}

}  // namespace sextant::doctor
