// Short words for tests: objects written as an operator would say them, and a Forwarding read as
// sorted lines of text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "overlay/forwarding.h"
#include "overlay/intent.h"
#include "overlay/resolver.h"

namespace sextant::overlay::testing {

using Lines = std::vector<std::string>;

inline srv6::Sid sid(std::string_view text) { return srv6::Sid(Ipv6Address::parse(text).value()); }
inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

inline Node node(std::string name, const Lines& addresses, const std::string& locator,
                 const Lines& pod_prefixes) {
  Node node{.name = name, .location = "nodes.yaml:" + name};
  for (const auto& text : addresses) node.addresses.push_back(address(text));
  if (!locator.empty()) node.locator = srv6::Locator::parse(locator).value();
  for (const auto& text : pod_prefixes) node.pod_prefixes.push_back({prefix(text), std::nullopt});
  return node;
}

inline Node router(std::string name, std::string_view end) {
  Node node{.name = std::move(name), .location = "routers.yaml"};
  node.sids.end = sid(end);
  return node;
}

inline void add(Intent& intent, Node node) { intent.nodes.insert_or_assign(node.name, node); }
inline void add(Intent& intent, Policy policy) {
  intent.policies.insert_or_assign(policy.key, policy);
}

/// The testbed: three nodes with pods of both families, and two routers.
inline Intent testbed() {
  Intent intent;
  add(intent, node("master", {"192.168.10.254", "fd10::1000"}, "fcdd:0:0:aa::/64",
                   {"172.16.0.0/26", "fdfb:af47:32af::/122"}));
  add(intent, node("worker1", {"192.168.11.254", "fd11::1000"}, "fcdd:0:0:11aa::/64",
                   {"172.16.0.64/26", "fdfb:af47:32af::40/122"}));
  add(intent, node("worker2", {"192.168.12.254", "fd12::1000"}, "fcdd:0:0:12aa::/64",
                   {"172.16.0.128/26", "fdfb:af47:32af::80/122"}));
  add(intent, router("r6", "fcff:6::1"));
  add(intent, router("r8", "fcff:8::1"));
  return intent;
}

/// Segments with a colon are SIDs, others names.
inline WeightedSegments list(const Lines& segments, std::uint32_t weight = 1) {
  WeightedSegments list{.segments = {}, .weight = weight};
  for (const auto& text : segments) {
    if (text.find(':') == std::string::npos) {
      list.segments.emplace_back(text);
    } else {
      list.segments.emplace_back(sid(text));
    }
  }
  return list;
}

inline CandidatePath path(std::string name, std::uint32_t preference,
                          std::vector<WeightedSegments> lists) {
  CandidatePath path{.name = std::move(name), .preference = preference, .lists = std::move(lists)};
  path.key.discriminator = static_cast<std::uint32_t>(std::hash<std::string>{}(path.name));
  return path;
}

/// For master, both families.
inline Policy policy(std::string name, const std::string& endpoint, std::uint32_t color,
                     std::vector<CandidatePath> paths) {
  Policy policy{.key = {"SRv6Policy", std::move(name)}, .location = "policies.yaml"};
  policy.headend.names = {"master"};
  if (auto parsed = IpAddress::parse(endpoint)) {
    policy.endpoint = *parsed;
  } else {
    policy.endpoint = endpoint;
  }
  policy.color = {color};
  policy.paths = std::move(paths);
  return policy;
}

inline std::string text(const srv6::SegmentList& list) {
  std::string text = "[";
  for (const auto& segment : list.segments) {
    text += (text.size() > 1 ? " " : "") + segment.to_string();
  }
  return text + "]" + (list.weight == 1 ? "" : "*" + std::to_string(list.weight));
}

inline std::string text(const std::vector<srv6::SegmentList>& lists) {
  std::string result;
  for (const auto& list : lists) result += " " + text(list);
  return result;
}

inline std::string text(const RouteTarget& target) {
  if (const auto* path = std::get_if<PathKey>(&target)) return path->to_string();
  return std::holds_alternative<Drop>(target) ? "drop" : "unreachable";
}

/// Every entry as a line: "sid fcdd:0:0:aa:1:: End", "path fd12::1000 plain IPv6
/// [fcdd:0:0:12aa:12::]", "route 172.16.0.0/26 unreachable", "route pods fd12::1000/128 fd12::1000
/// color 4 IPv6".
inline Lines lines(const Forwarding& forwarding) {
  Lines result;
  if (forwarding.encapsulation_source) {
    result.push_back("source " + forwarding.encapsulation_source->to_string());
  }
  if (forwarding.overlay_ipv4) result.push_back("overlay " + forwarding.overlay_ipv4->to_string());
  if (forwarding.overlay_ipv6) result.push_back("overlay " + forwarding.overlay_ipv6->to_string());
  for (const auto& pods : forwarding.pod_prefixes) result.push_back("pods " + pods.to_string());
  if (forwarding.locator) result.push_back("locator " + forwarding.locator->to_string());
  for (const auto& [local, what] : forwarding.local_sids) {
    result.push_back("sid " + local.to_string() + " " + std::string(to_string(what.behavior)) +
                     text(what.lists));
  }
  for (const auto& [key, path] : forwarding.paths) {
    result.push_back("path " + key.to_string() + text(path.lists));
  }
  for (const auto& [key, target] : forwarding.routes) {
    result.push_back(std::string("route ") + (key.scope == RouteScope::kPods ? "pods " : "") +
                     key.prefix.to_string() + " " + text(target));
  }
  for (const auto& [locator, gateway] : forwarding.locator_routes) {
    result.push_back("route locator " + locator.to_string() + " via " + gateway.to_string());
  }
  return result;
}

/// The domain, in the same way: "fcdd:0:0:aa::/64 sids", "fd12::1000/128 sources".
inline Lines domain_lines(const Forwarding& forwarding) {
  Lines result;
  for (const auto& [prefix, role] : forwarding.domain) {
    result.push_back(prefix.to_string() + (role.sids ? " sids" : "") +
                     (role.sources ? " sources" : ""));
  }
  return result;
}

/// The lines that contain the text.
inline Lines lines(const Forwarding& forwarding, std::string_view wanted) {
  Lines result = lines(forwarding);
  std::erase_if(result, [&](const auto& line) { return line.find(wanted) == std::string::npos; });
  return result;
}

inline Lines lines(const std::vector<Problem>& problems) {
  Lines result;
  for (const auto& problem : problems) {
    result.push_back(problem.object.to_string() + ": " + problem.reason);
  }
  return result;
}

inline Resolution resolve_on(std::string name, const Intent& intent,
                             const Resolution* previous = nullptr) {
  return resolve(intent, Settings{.node = std::move(name)}, previous);
}

inline Resolution resolve_on_master(const Intent& intent, const Resolution* previous = nullptr) {
  return resolve_on("master", intent, previous);
}

}  // namespace sextant::overlay::testing
