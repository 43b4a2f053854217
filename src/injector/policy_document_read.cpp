#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "bgp/wire/attributes.h"
#include "injector/policy_document.h"

namespace sextant::injector {
namespace {

using sources::Fields;
using sources::Value;

constexpr std::int64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostNameBytes = 255;
constexpr std::size_t kMostHeadends = 1000;

template <typename T>
void number(Fields& fields, const Value& map, std::string_view name, std::int64_t lowest,
            std::int64_t highest, T& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  if (const auto read = fields.number(*value, lowest, highest)) {
    to = static_cast<decltype(std::optional(to))::value_type>(*read);
  }
}

void text(Fields& fields, const Value& map, std::string_view name, std::string& to) {
  const auto* value = fields.optional(map, name);
  auto read = value == nullptr ? std::nullopt : fields.string(*value);
  if (!read) return;
  if (read->size() > kMostNameBytes) {
    fields.error(*value, "is longer than 255 bytes");
  } else {
    to = std::move(*read);
  }
}

void flags(Fields& fields, const Value& map, std::uint8_t& to) {
  number(fields, map, "flags", 0, 255, to);
}

std::uint8_t length(Fields& fields, const Value& map, std::string_view name) {
  std::uint8_t bits = 0;
  number(fields, map, name, 0, 128, bits);
  return bits;
}

std::optional<bgp::SidBehavior> sid_behavior(Fields& fields, const Value& map) {
  const auto* behavior = fields.optional(map, "behavior");
  const auto* structure = fields.optional(map, "structure");
  if (behavior == nullptr) {
    if (structure != nullptr) fields.error(*structure, "has no meaning without 'behavior'");
    return std::nullopt;
  }
  const auto read = read_behavior(*behavior, fields);
  if (!read) return std::nullopt;
  bgp::SidBehavior result{.behavior = *read};
  if (structure == nullptr) return result;
  fields.only(*structure, {"blockLength", "nodeLength", "functionLength", "argumentLength"});
  auto& lengths = result.structure;
  lengths.block = length(fields, *structure, "blockLength");
  lengths.node = length(fields, *structure, "nodeLength");
  lengths.function = length(fields, *structure, "functionLength");
  lengths.argument = length(fields, *structure, "argumentLength");
  if (lengths.block + lengths.node + lengths.function + lengths.argument > 128)
    fields.error(*structure, "the lengths exceed 128 bits together");
  return result;
}

std::optional<std::vector<std::uint8_t>> bytes_of(std::string_view hexadecimal) {
  if (hexadecimal.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
    const auto* at = hexadecimal.data() + i;
    std::uint8_t byte = 0;
    if (const auto read = std::from_chars(at, at + 2, byte, 16); read.ptr != at + 2)
      return std::nullopt;
    bytes.push_back(byte);
  }
  return bytes;
}

/// A segment that is no SRv6 SID: kept and passed on as it is.
std::optional<bgp::Segment> other_segment(Fields& fields, const Value& map, const Value& type) {
  fields.only(map, {"type", "flags", "value"});
  const auto code = fields.number(type, 1, 255);
  const auto* value = fields.required(map, "value");
  const auto hexadecimal = value == nullptr ? std::nullopt : fields.string(*value);
  if (!code || !hexadecimal) return std::nullopt;
  auto bytes = bytes_of(*hexadecimal);
  if (!bytes) {
    fields.error(*value, "'" + *hexadecimal + "' is not a row of hexadecimal bytes");
    return std::nullopt;
  }
  bgp::Segment segment{.type = static_cast<bgp::SegmentType>(*code), .value = std::move(*bytes)};
  if (segment.type == bgp::SegmentType::kB || segment.type == bgp::SegmentType::kWeight) {
    fields.error(type, "is written as 'sid' or 'weight'");
    return std::nullopt;
  }
  flags(fields, map, segment.flags);
  return segment;
}

std::optional<bgp::Segment> read_segment(Fields& fields, const Value& value) {
  if (value.kind != Value::Kind::kMap) {
    const auto sid = fields.sid(value);
    if (!sid) return std::nullopt;
    return bgp::Segment::of(sid->address());
  }
  if (const auto* type = fields.optional(value, "type")) return other_segment(fields, value, *type);
  fields.only(value, {"sid", "behavior", "structure", "flags"});
  const auto* at = fields.required(value, "sid");
  const auto sid = at == nullptr ? std::nullopt : fields.sid(*at);
  const auto behavior = sid_behavior(fields, value);
  if (!sid) return std::nullopt;
  auto segment = bgp::Segment::of(sid->address(), behavior);
  flags(fields, value, segment.flags);
  return segment;
}

void read_lists(Fields& fields, const Value& value, bgp::SrPolicyTunnel& tunnel) {
  const auto* entries = fields.list(value, 1);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    auto& list = tunnel.lists.emplace_back();
    fields.only(entry, {"weight", "segments"});
    number(fields, entry, "weight", 1, kMaxUint32, list.weight);
    const auto* segments = fields.required(entry, "segments");
    const auto* texts = segments == nullptr ? nullptr : fields.list(*segments, 1);
    if (texts == nullptr) continue;
    for (const auto& one : *texts) {
      if (auto segment = read_segment(fields, one)) list.segments.push_back(std::move(*segment));
    }
  }
}

void read_binding_sids(Fields& fields, const Value& spec, bgp::SrPolicyTunnel& tunnel) {
  if (const auto* value = fields.optional(spec, "bindingSID")) {
    auto& binding = tunnel.binding_sid.emplace();
    if (value->kind == Value::Kind::kMap) {
      fields.only(*value, {"sid", "label", "flags"});
      number(fields, *value, "label", 0, kMaxUint32, binding.label);
      flags(fields, *value, binding.flags);
    }
    const auto* at = value->kind == Value::Kind::kMap ? fields.optional(*value, "sid") : value;
    if (const auto sid = at == nullptr ? std::nullopt : fields.sid(*at))
      binding.sid = sid->address();
    if (binding.sid && binding.label) fields.error(*value, "is either a SID or a label");
  }
  const auto* many = fields.optional(spec, "srv6BindingSIDs");
  const auto* entries = many == nullptr ? nullptr : fields.list(*many);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    fields.only(entry, {"sid", "behavior", "structure", "flags"});
    const auto* at = fields.required(entry, "sid");
    const auto sid = at == nullptr ? std::nullopt : fields.sid(*at);
    const auto behavior = sid_behavior(fields, entry);
    if (!sid) continue;
    auto binding = bgp::Srv6BindingSid::of(sid->address(), behavior);
    flags(fields, entry, binding.flags);
    tunnel.srv6_binding_sids.push_back(binding);
  }
}

void read_headends(Fields& fields, const Value& spec, std::vector<Ipv4Address>& headends) {
  const auto* value = fields.optional(spec, "headends");
  // No headend would mean every one: surely not what somebody means who empties the list.
  const auto* entries = value == nullptr ? nullptr : fields.list(*value, 1, kMostHeadends);
  if (entries == nullptr) return;
  std::set<Ipv4Address> known;
  for (const auto& entry : *entries) {
    const auto read = fields.address(entry);
    if (!read) continue;
    if (!read->is_v4()) {
      fields.error(entry, "'" + entry.text +
                              "' is not a BGP identifier, which is written like an IPv4 address");
    } else if (!known.insert(read->v4()).second) {
      fields.error(entry, "'" + entry.text + "' is given twice");
    } else {
      headends.push_back(read->v4());
    }
  }
}

}  // namespace

std::optional<srv6::Behavior> read_behavior(const Value& value, Fields& fields) {
  if (value.kind == Value::Kind::kString) {
    const auto behavior = srv6::behavior_of(value.text);
    if (!behavior)
      fields.error(value, "'" + value.text +
                              "' is no endpoint behavior such as End.DT6, End.DT4 or End.DT46");
    return behavior;
  }
  const auto code = fields.number(value, 0, 0xffff);
  if (!code) return std::nullopt;
  return static_cast<srv6::Behavior>(*code);
}

void check_tunnel(const bgp::SrPolicyTunnel& tunnel, const Value& at, Fields& fields) {
  if (fields.failed()) return;
  if (const auto wire = bgp::encode_sr_policy(tunnel); !wire) {
    fields.error(at, wire.error().cause);
  } else if (wire->size() > 3500) {
    // RFC 4271 section 4: messages of 4096 bytes, with the other attributes.
    fields.error(at, "it takes " + std::to_string(wire->size()) +
                         " bytes, and a BGP message has room for 3500; use fewer segments");
  }
  for (const auto& list : tunnel.lists) {
    const bool foreign = std::ranges::any_of(list.segments, [](const bgp::Segment& segment) {
      return segment.type != bgp::SegmentType::kB;
    });
    if (const auto reason = list.unusable(); !reason.empty() && !foreign)
      fields.error(at, "a segment list that no headend can use: " + reason);
  }
}

std::optional<InjectedPolicy> read_injected_policy(const Value& root, Fields& fields) {
  InjectedPolicy policy;
  // `status` is what the daemon says: a policy that was listed can be written back.
  fields.only(root, {"apiVersion", "kind", "metadata", "spec", "status"});
  if (const auto* metadata = fields.optional(root, "metadata")) {
    fields.only(*metadata, {"name"});
    text(fields, *metadata, "name", policy.name);
  }
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return std::nullopt;
  fields.only(*spec, {"distinguisher", "color", "endpoint", "headends", "convention", "nextHop",
                      "preference", "priority", "bindingSID", "srv6BindingSIDs", "explicitNull",
                      "policyName", "candidatePathName", "segmentLists"});
  auto& tunnel = policy.tunnel;
  number(fields, *spec, "distinguisher", 0, kMaxUint32, policy.key.distinguisher);
  if (fields.required(*spec, "color") != nullptr)
    number(fields, *spec, "color", 1, kMaxUint32, policy.key.color.value);
  if (const auto* endpoint = fields.required(*spec, "endpoint")) {
    if (const auto address = fields.address(*endpoint)) policy.key.endpoint = *address;
    if (const auto fault = bgp::check(policy.key, {}); fault && !fields.failed())
      fields.error(*endpoint, fault->reason);
  }
  read_headends(fields, *spec, policy.headends);
  if (const auto* convention = fields.optional(*spec, "convention")) {
    policy.convention = fields.word<Convention>(
        *convention, {{"Standard", Convention::kStandard}, {"CalicoVPP", Convention::kCalicoVpp}});
  }
  if (const auto* next_hop = fields.optional(*spec, "nextHop"))
    policy.next_hop = fields.address(*next_hop);
  number(fields, *spec, "preference", 0, kMaxUint32, tunnel.preference);
  number(fields, *spec, "priority", 0, 255, tunnel.priority);
  read_binding_sids(fields, *spec, tunnel);
  number(fields, *spec, "explicitNull", 0, 255, tunnel.enlp);
  text(fields, *spec, "policyName", tunnel.policy_name);
  text(fields, *spec, "candidatePathName", tunnel.candidate_path_name);
  if (const auto* lists = fields.required(*spec, "segmentLists")) {
    read_lists(fields, *lists, tunnel);
    check_tunnel(tunnel, *lists, fields);
  }
  if (fields.failed()) return std::nullopt;
  return policy;
}

}  // namespace sextant::injector
