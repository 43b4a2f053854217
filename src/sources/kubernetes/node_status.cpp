#include "sources/kubernetes/node_status.h"

#include <algorithm>
#include <tuple>

#include "base/utf8.h"
#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {

namespace json = boost::json;

namespace {

constexpr std::size_t kShortUid = 8;
constexpr std::string_view kPolicyKind = "SRv6Policy";

json::array texts(const std::vector<std::string>& values) {
  return json::array(values.begin(), values.end());
}

/// Members without a value are left out: shorter, and what a printer column shows as empty.
void put(json::object& object, std::string_view key, std::string value) {
  if (!value.empty()) object[key] = std::move(value);
}

json::object full_entry(const PolicyReport& policy) {
  json::object entry{{"object", policy.object.to_string()},
                     {"programmed", policy.programmed},
                     {"reason", policy.reason},
                     {"since", to_rfc3339(policy.since)}};
  put(entry, "uid", policy.version.uid);
  if (policy.version.generation > 0) entry["observedGeneration"] = policy.version.generation;
  if (policy.color > 0) entry["color"] = policy.color;
  put(entry, "endpoint", policy.endpoint);
  put(entry, "endpointNode", policy.endpoint_node);
  json::array families;
  for (const auto family : policy.families)
    families.emplace_back(json_text(sextant::to_string(family)));
  entry["ipFamilies"] = std::move(families);
  put(entry, "activeCandidatePath", policy.active_path);
  put(entry, "message", policy.message);
  return entry;
}

/// Those that somebody will look at come first.
std::vector<const PolicyReport*> by_interest(const std::vector<PolicyReport>& policies) {
  std::vector<const PolicyReport*> order;
  order.reserve(policies.size());
  for (const auto& policy : policies) order.push_back(&policy);
  std::ranges::stable_sort(order, [](const PolicyReport* a, const PolicyReport* b) {
    return std::make_tuple(a->programmed, -a->since.time_since_epoch().count()) <
           std::make_tuple(b->programmed, -b->since.time_since_epoch().count());
  });
  return order;
}

overlay::ObjectKey key_of(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {.kind = {}, .name = text};
  return {.kind = text.substr(0, slash), .name = text.substr(slash + 1)};
}

PolicyReport read_policy_report(const json::value& entry) {
  PolicyReport report{.object = key_of(text_at(entry, "object")),
                      .version = {.uid = text_at(entry, "uid"),
                                  .generation = number_at(entry, "observedGeneration")},
                      .endpoint = text_at(entry, "endpoint"),
                      .endpoint_node = text_at(entry, "endpointNode"),
                      .active_path = text_at(entry, "activeCandidatePath"),
                      .reason = text_at(entry, "reason"),
                      .message = text_at(entry, "message"),
                      .since = parse_rfc3339(text_at(entry, "since")).value_or(Time())};
  report.color = static_cast<std::uint32_t>(number_at(entry, "color"));
  const auto* programmed = find(entry, "programmed");
  report.programmed = programmed != nullptr && programmed->is_bool() && programmed->get_bool();
  return report;
}

}  // namespace

std::string_view to_string(LocatorOrigin origin) {
  switch (origin) {
    case LocatorOrigin::kNone:
      return "None";
    case LocatorOrigin::kSrv6Node:
      return "SRv6Node";
    case LocatorOrigin::kNodeAnnotation:
      return "NodeAnnotation";
    case LocatorOrigin::kIpPool:
      return "IPPool";
    case LocatorOrigin::kClaim:
      return "SRv6Locator";
  }
  return "";
}

std::string shortened(std::string text) {
  if (text.size() > kLongestMessage) {
    std::size_t end = kLongestMessage - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;  // whole characters
    text.resize(end);
    text += "...";
  }
  return as_utf8(text);
}

std::string short_uid(std::string_view uid) { return std::string(uid.substr(0, kShortUid)); }

void keep_times(NodeStatus& status, const NodeStatus& before, Time time) {
  keep_times(status.conditions, before.conditions, time);
  std::map<overlay::ObjectKey, const PolicyReport*> known;
  for (const auto& policy : before.policies) known.emplace(policy.object, &policy);
  for (auto& policy : status.policies) {
    const auto found = known.find(policy.object);
    const auto* old = found == known.end() ? nullptr : found->second;
    const bool same = old != nullptr && old->since != Time() &&
                      short_uid(old->version.uid) == short_uid(policy.version.uid) &&
                      std::tie(old->programmed, old->reason, old->active_path) ==
                          std::tie(policy.programmed, policy.reason, policy.active_path);
    policy.since = same ? old->since : time;
  }
}

json::object to_json(const NodeStatus& status) {
  json::object object;
  put(object, "agentVersion", status.agent_version);
  object["conditions"] = to_json(status.conditions);
  object["addresses"] = texts(status.addresses);
  put(object, "encapsulationSource", status.encapsulation_source);
  object["overlayAddresses"] = texts(status.overlay_addresses);
  object["podPrefixes"] = texts(status.pod_prefixes);
  json::object locator{{"origin", json_text(to_string(status.locator_origin))}};
  put(locator, "prefix", status.locator);
  object["locator"] = std::move(locator);
  json::object data_plane{{"maxSegments", status.max_segments}};
  put(data_plane, "name", status.data_plane);
  put(data_plane, "encapsulation", status.encapsulation);
  object["dataPlane"] = std::move(data_plane);
  json::array sids;
  for (const auto& [sid, behavior] : status.sids) {
    if (sids.size() == kReportedSids) break;
    sids.push_back({{"sid", sid}, {"behavior", behavior}});
  }
  object["sids"] = std::move(sids);

  json::array full;
  json::object lines;
  std::size_t programmed = 0;
  for (const auto* policy : by_interest(status.policies)) {
    programmed += policy->programmed ? 1 : 0;
    if (full.size() < kFullPolicies)
      full.emplace_back(full_entry(*policy));
    else if (policy->programmed && policy->object.kind == kPolicyKind)
      lines[policy->object.name] =
          short_uid(policy->version.uid) + "/" + std::to_string(policy->version.generation);
  }
  object["policyCounts"] = {{"total", status.policies.size()}, {"programmed", programmed}};
  object["policies"] = std::move(full);
  object["programmedPolicies"] = std::move(lines);
  return object;
}

NodeStatus read_node_status(const json::value& status) {
  NodeStatus read;
  read.conditions = read_conditions(find(status, "conditions"));
  const auto* policies = find(status, "policies");
  if (policies != nullptr && policies->is_array())
    for (const auto& entry : policies->get_array())
      read.policies.push_back(read_policy_report(entry));
  return read;
}

}  // namespace sextant::kubernetes
