#include "injector/srv6_pi_reader.h"

#include <limits>
#include <utility>

#include "bgp/wire/attributes.h"
#include "injector/policy_document.h"

namespace sextant::injector {
namespace {

using sources::Fields;
using sources::Value;

constexpr std::int64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();

std::optional<std::uint32_t> uint32(Fields& fields, const Value& map, std::string_view name,
                                    std::int64_t lowest = 0) {
  const auto* value = fields.required(map, name);
  const auto read = value == nullptr ? std::nullopt : fields.number(*value, lowest, kMaxUint32);
  if (!read) return std::nullopt;
  return static_cast<std::uint32_t>(*read);
}

void read_nlri(Fields& fields, const Value& nlri, PolicyKey& key) {
  fields.only(nlri, {"distinguisher", "color", "endpoint"});
  if (const auto read = uint32(fields, nlri, "distinguisher")) key.distinguisher = *read;
  if (const auto read = uint32(fields, nlri, "color", 1)) key.color.value = *read;
  const auto* endpoint = fields.required(nlri, "endpoint");
  if (endpoint == nullptr) return;
  if (const auto address = fields.address(*endpoint)) key.endpoint = *address;
  if (const auto fault = bgp::check(key, {}); fault && !fields.failed())
    fields.error(*endpoint, fault->reason);
}

void check_family(Fields& fields, const Value& family, const PolicyKey& key) {
  fields.only(family, {"afi", "safi"});
  const auto afi = uint32(fields, family, "afi");
  const auto safi = uint32(fields, family, "safi");
  if (!afi || !safi || fields.failed()) return;
  const auto wanted = family_of(key);
  if (*afi == static_cast<std::uint32_t>(wanted.afi) &&
      *safi == static_cast<std::uint32_t>(wanted.safi))
    return;
  fields.error(family, "afi " + std::to_string(*afi) + ", safi " + std::to_string(*safi) +
                           " is not the family of an SR Policy to " + key.endpoint.to_string() +
                           ", which is afi " + (key.endpoint.is_v4() ? "1" : "2") + ", safi 73");
}

void read_list(Fields& fields, const Value& value, bgp::SrPolicyTunnel& tunnel) {
  fields.only(value, {"weight", "segments"});
  auto& list = tunnel.lists.emplace_back();
  if (const auto* weight = fields.optional(value, "weight")) {
    const auto read = fields.number(*weight, 0, kMaxUint32);
    if (read && *read != 0) list.weight = static_cast<std::uint32_t>(*read);
  }
  const auto* segments = fields.required(value, "segments");
  const auto* entries = segments == nullptr ? nullptr : fields.list(*segments, 1);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    fields.only(entry, {"sid", "behavior"});
    const auto* at = fields.required(entry, "sid");
    const auto sid = at == nullptr ? std::nullopt : fields.sid(*at);
    std::optional<bgp::SidBehavior> behavior;
    if (const auto* code = fields.optional(entry, "behavior")) {
      if (const auto read = read_behavior(*code, fields)) behavior = {.behavior = *read};
    }
    if (sid) list.segments.push_back(bgp::Segment::of(sid->address(), behavior));
  }
}

}  // namespace

bool is_srv6_pi(const Value& root) {
  return root.kind == Value::Kind::kMap && root.find("kind") == nullptr &&
         (root.find("nlri") != nullptr || root.find("segmentlist") != nullptr);
}

std::optional<Srv6PiReading> read_srv6_pi(const Value& root, Fields& fields) {
  Srv6PiReading reading;
  auto& policy = reading.policy;
  fields.only(root, {"nlri", "iswithdraw", "age", "sourceasn", "family", "neighborip",
                     "segmentlist", "bsid", "priority", "nexthop"});
  if (const auto* nlri = fields.required(root, "nlri")) read_nlri(fields, *nlri, policy.key);
  if (const auto* withdraw = fields.optional(root, "iswithdraw")) {
    if (withdraw->kind != Value::Kind::kBool) fields.error(*withdraw, "is neither true nor false");
    reading.withdraw = withdraw->text == "true";
  }
  if (const auto* family = fields.optional(root, "family"))
    check_family(fields, *family, policy.key);
  if (const auto* bsid = fields.optional(root, "bsid")) {
    if (const auto sid = fields.sid(*bsid)) policy.tunnel.binding_sid = {.sid = sid->address()};
  }
  if (const auto* priority = fields.optional(root, "priority")) {
    if (const auto read = fields.number(*priority, 0, 255))
      policy.tunnel.priority = static_cast<std::uint8_t>(*read);
  }
  if (const auto* next_hop = fields.optional(root, "nexthop"))
    policy.next_hop = fields.address(*next_hop);
  // A withdrawal is about the key alone.
  const auto* list = reading.withdraw ? fields.optional(root, "segmentlist")
                                      : fields.required(root, "segmentlist");
  if (list != nullptr) {
    read_list(fields, *list, policy.tunnel);
    check_tunnel(policy.tunnel, *list, fields);
  }
  if (fields.failed()) return std::nullopt;
  return reading;
}

}  // namespace sextant::injector
