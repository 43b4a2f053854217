#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "injector/policy_document.h"

namespace sextant::injector {
namespace {

namespace json = boost::json;

json::value behavior_value(srv6::Behavior behavior) {
  const auto code = static_cast<std::uint16_t>(behavior);
  if (srv6::behavior_of(code)) return json::value(json::string(to_string(behavior)));
  return json::value(code);
}

void add_behavior(const std::optional<bgp::SidBehavior>& behavior, json::object& to) {
  if (!behavior) return;
  to["behavior"] = behavior_value(behavior->behavior);
  const auto& lengths = behavior->structure;
  if (lengths == srv6::SidStructure{0, 0, 0, 0}) return;  // not known
  to["structure"] = {{"blockLength", lengths.block},
                     {"nodeLength", lengths.node},
                     {"functionLength", lengths.function},
                     {"argumentLength", lengths.argument}};
}

std::string hexadecimal(const std::vector<std::uint8_t>& bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

json::value segment_value(const bgp::Segment& segment) {
  json::object object;
  if (segment.type != bgp::SegmentType::kB) {
    object["type"] = static_cast<unsigned>(segment.type);
    if (segment.flags != 0) object["flags"] = segment.flags;
    object["value"] = hexadecimal(segment.value);
    return object;
  }
  object["sid"] = segment.sid.to_string();
  add_behavior(segment.behavior, object);
  if (segment.flags != bgp::Segment::of(segment.sid, segment.behavior).flags)
    object["flags"] = segment.flags;
  if (object.size() == 1) return json::value(segment.sid.to_string());
  return object;
}

json::array lists_value(const std::vector<bgp::WeightedSegmentList>& lists) {
  json::array array;
  for (const auto& list : lists) {
    json::object object;
    if (list.weight) object["weight"] = *list.weight;
    json::array segments;
    for (const auto& segment : list.segments) segments.push_back(segment_value(segment));
    object["segments"] = std::move(segments);
    array.push_back(std::move(object));
  }
  return array;
}

void add_flags(std::uint8_t flags, std::uint8_t usual, json::object& to) {
  if (flags != usual) to["flags"] = flags;
}

void add_binding_sids(const bgp::SrPolicyTunnel& tunnel, json::object& spec) {
  if (tunnel.binding_sid) {
    json::object object;
    if (tunnel.binding_sid->sid) object["sid"] = tunnel.binding_sid->sid->to_string();
    if (tunnel.binding_sid->label) object["label"] = *tunnel.binding_sid->label;
    add_flags(tunnel.binding_sid->flags, 0, object);
    spec["bindingSID"] = std::move(object);
  }
  if (tunnel.srv6_binding_sids.empty()) return;
  json::array array;
  for (const auto& sid : tunnel.srv6_binding_sids) {
    json::object object{{"sid", sid.sid.to_string()}};
    add_behavior(sid.behavior, object);
    add_flags(sid.flags, bgp::Srv6BindingSid::of(sid.sid, sid.behavior).flags, object);
    array.push_back(std::move(object));
  }
  spec["srv6BindingSIDs"] = std::move(array);
}

}  // namespace

json::object to_document(const InjectedPolicy& policy) {
  const auto& tunnel = policy.tunnel;
  json::object spec{{"distinguisher", policy.key.distinguisher},
                    {"color", policy.key.color.value},
                    {"endpoint", policy.key.endpoint.to_string()}};
  if (!policy.headends.empty()) {
    json::array headends;
    for (const auto& headend : policy.headends) headends.emplace_back(headend.to_string());
    spec["headends"] = std::move(headends);
  }
  if (policy.convention)
    spec["convention"] = *policy.convention == Convention::kStandard ? "Standard" : "CalicoVPP";
  if (policy.next_hop) spec["nextHop"] = policy.next_hop->to_string();
  if (tunnel.preference) spec["preference"] = *tunnel.preference;
  if (tunnel.priority) spec["priority"] = *tunnel.priority;
  add_binding_sids(tunnel, spec);
  if (tunnel.enlp) spec["explicitNull"] = static_cast<unsigned>(*tunnel.enlp);
  if (!tunnel.policy_name.empty()) spec["policyName"] = tunnel.policy_name;
  if (!tunnel.candidate_path_name.empty()) spec["candidatePathName"] = tunnel.candidate_path_name;
  spec["segmentLists"] = lists_value(tunnel.lists);
  json::object document{{"apiVersion", kApiVersion}, {"kind", kPolicyKind}};
  if (!policy.name.empty()) document["metadata"] = {{"name", policy.name}};
  document["spec"] = std::move(spec);
  return document;
}

}  // namespace sextant::injector
