#include "agent/views.h"

#include <boost/json/value.hpp>

#include "agent/source_view.h"
#include "agent/time_text.h"
#include "base/version.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;
using overlay::PathKey;

constexpr std::size_t kReasonsShown = 10;

json::string text(std::string_view value) { return json::string(value.data(), value.size()); }

template <typename T>
json::value text_or_null(const std::optional<T>& value) {
  return value ? json::value(text(value->to_string())) : json::value(nullptr);
}

template <typename Range>
json::array texts(const Range& range) {
  json::array array;
  for (const auto& element : range) array.emplace_back(text(element.to_string()));
  return array;
}

json::object items(json::array array) { return {{"items", std::move(array)}}; }

json::value last_apply(const std::optional<LastApply>& last) {
  if (!last) return nullptr;
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(last->duration);
  return {{"time", time_text(last->time)},
          {"kind", text(last->kind)},
          {"writes", last->writes},
          {"durationMicroseconds", duration.count()}};
}

/// What the data plane could not do: whole calls first.
json::array apply_problems(const Reconciler& reconciler) {
  json::array array;
  const auto add = [&](const std::string& object, const Error& error) {
    array.push_back({{"object", object},
                     {"operation", error.operation},
                     {"cause", error.cause},
                     {"hint", error.hint},
                     {"message", error.message()}});
  };
  if (reconciler.failure()) add(reconciler.failure()->object, *reconciler.failure());
  for (const auto& problem : reconciler.apply_problems()) add(problem.object, problem.error);
  return array;
}

/// Of the sources (what was read) and of the resolver (how it fits together).
json::array problems(const Reconciler& reconciler, const SourceState& source) {
  json::array array;
  const auto add = [&](const overlay::Problem& problem, std::string_view severity) {
    array.push_back({{"object", problem.object.to_string()},
                     {"location", problem.location},
                     {"severity", text(severity)},
                     {"reason", problem.reason}});
  };
  for (const auto& finding : source.findings)
    add(finding.problem, finding.severity == sources::Severity::kWarning ? "Warning" : "Error");
  for (const auto& problem : reconciler.resolver().problems()) add(problem, "Error");
  return array;
}

json::object path_target(const PathKey& path) {
  json::object target{{"type", "Path"}, {"endpoint", path.endpoint.to_string()}};
  target["color"] = path.color ? json::value(path.color->value) : json::value(nullptr);
  target["family"] = text(to_string(path.family));
  return target;
}

std::string_view scope_text(overlay::RouteScope scope) {
  return scope == overlay::RouteScope::kAll ? "All" : "Pods";
}

/// The node's SIDs as everybody derives them: fixed ones count where they lie in the locator, or
/// there is none.
json::object node_sids(const overlay::Node& node) {
  json::object sids;
  const auto add = [&](std::string_view name, const std::optional<srv6::Sid>& fixed,
                       srv6::Behavior behavior) {
    if (fixed && (!node.locator || node.locator->contains(*fixed)))
      sids[name] = fixed->to_string();
    else if (node.locator)
      sids[name] = srv6::derived_sid(*node.locator, behavior).to_string();
  };
  add("end", node.sids.end, srv6::Behavior::kEnd);
  add("dt4", node.sids.dt4, srv6::Behavior::kEndDt4);
  add("dt6", node.sids.dt6, srv6::Behavior::kEndDt6);
  add("dt46", node.sids.dt46, srv6::Behavior::kEndDt46);
  return sids;
}

}  // namespace

json::array segment_lists_view(const std::vector<srv6::SegmentList>& lists) {
  json::array array;
  for (const auto& list : lists)
    array.push_back({{"segments", texts(list.segments)}, {"weight", list.weight}});
  return array;
}

json::object candidate_view(const overlay::CandidateStatus& candidate) {
  return {{"object", candidate.object.to_string()},
          {"name", candidate.name},
          {"preference", candidate.preference},
          {"protocolOrigin", candidate.key.origin.value},
          {"originator",
           {{"asn", candidate.key.originator.asn},
            {"address", candidate.key.originator.address.to_string()}}},
          {"discriminator", candidate.key.discriminator},
          {"active", candidate.active},
          {"valid", candidate.invalid_reason.empty()},
          {"invalidReason", candidate.invalid_reason},
          {"segmentLists", segment_lists_view(candidate.lists)}};
}

std::string hold_reason(const SourceState& source, const std::string& node) {
  if (!source.loaded) {
    if (!source.obstacle.empty()) return source.obstacle;
    const auto* server = source.server ? &*source.server : nullptr;
    return (server != nullptr ? "the objects of " : "the manifests in ") + source.place +
           " could not be read yet" +
           (server != nullptr && !server->error.empty() ? " (" + server->error + ")" : "");
  }
  if (source.server) return "what " + source.place + " says of node " + node + " cannot be read";
  return "not everything in " + source.place + " can be read, or node " + node + " is not in it";
}

std::vector<std::string> unhealthy_reasons(const Reconciler& reconciler,
                                           const SourceState& source) {
  std::vector<std::string> reasons;
  if (!reconciler.begun())
    reasons.push_back(hold_reason(source, reconciler.settings().node) +
                      ": what an earlier agent left keeps forwarding, unchanged; see `sextant "
                      "status`");
  if (reconciler.failure()) reasons.push_back(reconciler.failure()->message());
  for (const auto& problem : reconciler.apply_problems()) {
    if (reasons.size() == kReasonsShown) {
      reasons.emplace_back("and more, see `sextant status`");
      break;
    }
    reasons.push_back(problem.object + ": " + problem.error.message());
  }
  return reasons;
}

json::value status_view(const Reconciler& reconciler, const SourceState& source) {
  const auto& forwarding = reconciler.resolver().forwarding();
  const auto reasons = unhealthy_reasons(reconciler, source);
  json::array overlay_addresses;
  if (forwarding.overlay_ipv4) overlay_addresses.emplace_back(forwarding.overlay_ipv4->to_string());
  if (forwarding.overlay_ipv6) overlay_addresses.emplace_back(forwarding.overlay_ipv6->to_string());
  json::array capabilities;
  for (const auto& capability : reconciler.dataplane().capabilities())
    capabilities.push_back(
        {{"name", capability.name}, {"choice", capability.choice}, {"reason", capability.reason}});
  return {
      {"version", text(version())},
      {"node", reconciler.settings().node},
      {"healthy", reasons.empty()},
      {"reasons", json::array(reasons.begin(), reasons.end())},
      {"source", source_view(source)},
      {"dataplane",
       {{"name", text(reconciler.dataplane().name())}, {"capabilities", std::move(capabilities)}}},
      {"maxSegments", reconciler.settings().max_segments},
      {"encapsulationSource", text_or_null(forwarding.encapsulation_source)},
      {"overlayAddresses", std::move(overlay_addresses)},
      {"locator", text_or_null(forwarding.locator)},
      {"podPrefixes", texts(forwarding.pod_prefixes)},
      {"counts",
       {{"nodes", reconciler.resolver().intent().nodes.size()},
        {"policies", reconciler.resolver().policies().size()},
        {"localSids", forwarding.local_sids.size()},
        {"paths", forwarding.paths.size()},
        {"routes", forwarding.routes.size() + forwarding.locator_routes.size()}}},
      {"problems", problems(reconciler, source)},
      {"applyProblems", apply_problems(reconciler)},
      {"lastApply", last_apply(reconciler.last_apply())},
  };
}

json::value sids_view(const Reconciler& reconciler, const dataplane::Counters& counters) {
  json::array array;
  for (const auto& [sid, local] : reconciler.resolver().forwarding().local_sids) {
    const auto found = counters.local_sids.find(sid);
    const bool counted = found != counters.local_sids.end();
    array.push_back({{"sid", sid.to_string()},
                     {"behavior", text(srv6::to_string(local.behavior))},
                     {"codePoint", static_cast<std::uint16_t>(local.behavior)},
                     {"nextHop", text_or_null(local.next_hop)},
                     {"segmentLists", segment_lists_view(local.lists)},
                     {"packets", counted ? json::value(found->second.packets) : nullptr},
                     {"bytes", counted ? json::value(found->second.bytes) : nullptr}});
  }
  return items(std::move(array));
}

json::value policies_view(const Reconciler& reconciler) {
  json::array array;
  for (const auto& [path, policy] : reconciler.resolver().policies()) {
    json::array candidates;
    for (const auto& candidate : policy.candidates)
      candidates.emplace_back(candidate_view(candidate));
    array.push_back({{"color", path.color ? json::value(path.color->value) : json::value(nullptr)},
                     {"endpoint", path.endpoint.to_string()},
                     {"node", policy.endpoint_node},
                     {"family", text(to_string(path.family))},
                     {"bindingSID", text_or_null(policy.binding_sid)},
                     {"fallback", policy.fallback == overlay::Fallback::kDrop ? "Drop" : "Plain"},
                     {"candidatePaths", std::move(candidates)},
                     {"steeredPrefixes", texts(policy.steered)}});
  }
  return items(std::move(array));
}

json::value routes_view(const Reconciler& reconciler) {
  const auto& forwarding = reconciler.resolver().forwarding();
  json::array array;
  for (const auto& [key, target] : forwarding.routes) {
    json::object route{{"prefix", key.prefix.to_string()}, {"scope", text(scope_text(key.scope))}};
    json::array lists;
    if (const auto* path = std::get_if<PathKey>(&target)) {
      route["target"] = path_target(*path);
      if (const auto found = forwarding.paths.find(*path); found != forwarding.paths.end())
        lists = segment_lists_view(found->second.lists);
    } else {
      route["target"] = {
          {"type", std::holds_alternative<overlay::Drop>(target) ? "Drop" : "Unreachable"}};
    }
    route["segmentLists"] = std::move(lists);
    array.push_back(std::move(route));
  }
  for (const auto& [locator, next_hop] : forwarding.locator_routes)
    array.push_back({{"prefix", locator.to_string()},
                     {"scope", "All"},
                     {"target", {{"type", "Underlay"}, {"nextHop", next_hop.to_string()}}},
                     {"segmentLists", json::array()}});
  return items(std::move(array));
}

json::value nodes_view(const Reconciler& reconciler) {
  json::array array;
  for (const auto& [name, node] : reconciler.resolver().intent().nodes) {
    json::array pod_prefixes;
    for (const auto& [prefix, color] : node.pod_prefixes)
      pod_prefixes.push_back({{"prefix", prefix.to_string()},
                              {"color", color ? json::value(color->value) : json::value(nullptr)}});
    const bool on_link = node.reach == overlay::LocatorReach::kOnLink;
    array.push_back({{"name", name},
                     {"self", name == reconciler.settings().node},
                     {"role", node.pod_prefixes.empty() ? "Router" : "Node"},
                     {"location", node.location},
                     {"addresses", texts(node.addresses)},
                     {"locator", text_or_null(node.locator)},
                     {"locatorReach", node.locator ? json::value(on_link ? "OnLink" : "Fabric")
                                                   : json::value(nullptr)},
                     {"sids", node_sids(node)},
                     {"podPrefixes", std::move(pod_prefixes)}});
  }
  return items(std::move(array));
}

}  // namespace sextant::agent
