// SRv6Policy.
#include <limits>
#include <set>

#include "sources/readers.h"

namespace sextant::sources {
namespace {

constexpr std::int64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostSegmentLists = 64;
constexpr std::size_t kMostSegments = 127;  // RFC 8754: what an SRH's length field leaves room for

void read_headend(const Value& value, Fields& fields, overlay::HeadendSelector& headend) {
  fields.only(value, {"nodeNames", "nodeSelector"});
  if (const auto* names = fields.optional(value, "nodeNames")) {
    // No names would mean every node: surely not what somebody means who empties the list.
    if (const auto* entries = fields.list(*names, 1)) {
      for (const auto& entry : *entries) {
        if (auto name = fields.name(entry)) headend.names.push_back(std::move(*name));
      }
    }
  }
  if (const auto* selector = fields.optional(value, "nodeSelector")) {
    fields.only(*selector, {"matchLabels"});
    if (const auto* labels = fields.optional(*selector, "matchLabels")) {
      if (auto map = fields.string_map(*labels)) headend.match_labels = std::move(*map);
    }
  }
}

void read_endpoint(const Value& value, Fields& fields, overlay::Policy& policy) {
  fields.only(value, {"nodeName", "address"});
  const auto* name = fields.optional(value, "nodeName");
  const auto* address = fields.optional(value, "address");
  if ((name == nullptr) == (address == nullptr)) {
    fields.error(value, "needs either nodeName or address");
    return;
  }
  if (name != nullptr) {
    if (auto text = fields.name(*name)) policy.endpoint = std::move(*text);
  } else if (const auto read = read_node_address(*address, fields)) {
    policy.endpoint = *read;
  }
}

void read_families(const Value& value, Fields& fields, overlay::Policy& policy) {
  const auto* entries = fields.list(value, 1, 2);
  if (entries == nullptr) return;
  policy.ipv4 = policy.ipv6 = false;
  for (const auto& entry : *entries) {
    const auto family =
        fields.word<Family>(entry, {{"IPv4", Family::kIpv4}, {"IPv6", Family::kIpv6}});
    if (!family) continue;
    auto& carries = *family == Family::kIpv4 ? policy.ipv4 : policy.ipv6;
    if (carries) fields.error(entry, "'" + entry.text + "' is given twice");
    carries = true;
  }
}

/// A SID always has a colon and a Kubernetes name never does.
std::optional<overlay::Segment> read_segment(const Value& value, Fields& fields) {
  if (value.kind != Value::Kind::kString || value.text.find(':') != std::string::npos) {
    const auto sid = fields.sid(value);
    if (!sid) return std::nullopt;
    return *sid;
  }
  if (!is_kubernetes_name(value.text) || Ipv4Address::parse(value.text)) {
    fields.error(value, "'" + value.text +
                            "' is neither a SID (an IPv6 address) nor the name of a " +
                            "node or router");
    return std::nullopt;
  }
  return value.text;
}

void read_segment_lists(const Value& value, Fields& fields, overlay::CandidatePath& path) {
  const auto* entries = fields.list(value, 1, kMostSegmentLists);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    auto& list = path.lists.emplace_back();
    fields.only(entry, {"weight", "segments"});
    if (const auto* weight = fields.optional(entry, "weight")) {
      list.weight = static_cast<std::uint32_t>(fields.number(*weight, 1, kMaxUint32).value_or(1));
    }
    const auto* segments = fields.required(entry, "segments");
    const auto* texts = segments == nullptr ? nullptr : fields.list(*segments, 1, kMostSegments);
    if (texts == nullptr) continue;
    for (const auto& text : *texts) {
      if (auto segment = read_segment(text, fields)) list.segments.push_back(std::move(*segment));
    }
  }
}

overlay::CandidatePath read_candidate_path(const Value& value, std::size_t index, Fields& fields,
                                           const overlay::ObjectKey& object) {
  overlay::CandidatePath path;
  fields.only(value, {"name", "preference", "discriminator", "segmentLists"});
  path.name = object.name + "[" + std::to_string(index) + "]";
  if (const auto* name = fields.optional(value, "name")) {
    if (auto text = fields.string(*name)) path.name = std::move(*text);
  }
  if (const auto* preference = fields.optional(value, "preference")) {
    path.preference =
        static_cast<std::uint32_t>(fields.number(*preference, 0, kMaxUint32).value_or(0));
  }
  path.key.discriminator = derived_discriminator(object, index);
  if (const auto* discriminator = fields.optional(value, "discriminator")) {
    path.key.discriminator =
        static_cast<std::uint32_t>(fields.number(*discriminator, 0, kMaxUint32).value_or(0));
  }
  if (const auto* lists = fields.required(value, "segmentLists")) {
    read_segment_lists(*lists, fields, path);
  }
  return path;
}

void read_candidate_paths(const Value& value, Fields& fields, overlay::Policy& policy) {
  const auto* entries = fields.list(value, 1, kMostCandidatePaths);
  if (entries == nullptr) return;
  std::set<std::uint32_t> discriminators;
  std::set<std::string> names;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto& entry = (*entries)[i];
    auto path = read_candidate_path(entry, i, fields, policy.key);
    if (!discriminators.insert(path.key.discriminator).second) {
      fields.error(entry, "has the discriminator of another candidate path");
    }
    if (!names.insert(path.name).second) {
      fields.error(entry, "has the name of another candidate path, '" + path.name + "'");
    }
    policy.paths.push_back(std::move(path));
  }
}

}  // namespace

void read_srv6_policy(const Value& root, Fields& fields, Object& object) {
  overlay::Policy policy;
  policy.key = object.key;
  policy.location = object.location;
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return;
  fields.only(*spec, {"headend", "endpoint", "color", "bindingSID", "ipFamilies", "fallback",
                      "candidatePaths"});
  if (const auto* headend = fields.optional(*spec, "headend")) {
    read_headend(*headend, fields, policy.headend);
  }
  if (const auto* endpoint = fields.required(*spec, "endpoint")) {
    read_endpoint(*endpoint, fields, policy);
  }
  if (const auto* color = fields.required(*spec, "color")) {
    policy.color.value =
        static_cast<std::uint32_t>(fields.number(*color, 1, kMaxUint32).value_or(1));
  }
  if (const auto* sid = fields.optional(*spec, "bindingSID")) policy.binding_sid = fields.sid(*sid);
  if (const auto* families = fields.optional(*spec, "ipFamilies")) {
    read_families(*families, fields, policy);
  }
  if (const auto* fallback = fields.optional(*spec, "fallback")) {
    policy.fallback = fields
                          .word<overlay::Fallback>(*fallback, {{"Plain", overlay::Fallback::kPlain},
                                                               {"Drop", overlay::Fallback::kDrop}})
                          .value_or(overlay::Fallback::kPlain);
  }
  if (const auto* paths = fields.required(*spec, "candidatePaths")) {
    read_candidate_paths(*paths, fields, policy);
  }
  object.policies.push_back(std::move(policy));
}

}  // namespace sextant::sources
