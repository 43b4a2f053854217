// The per-node ConfigMap of the paper (arXiv 2301.01178): the node's decapsulating SIDs and its
// policies.
#include <map>
#include <utility>

#include "sources/readers.h"
#include "sources/yaml.h"

namespace sextant::sources {
namespace {

// The format has no color; Calico-VPP numbers the policies of the two families like this.
constexpr srv6::Color kColorIpv4{4};
constexpr srv6::Color kColorIpv6{6};

using PolicyCounts = std::map<std::pair<IpAddress, Family>, std::size_t>;

void set_line(Value& value, std::uint32_t line) {
  value.line = line;
  for (auto& item : value.items) set_line(item, line);
}

void read_local_sids(const Value& value, Fields& fields, overlay::FixedSids& sids) {
  fields.only(value, {"DT4", "DT6"});
  if (const auto* dt4 = fields.optional(value, "DT4")) sids.dt4 = fields.sid(*dt4);
  if (const auto* dt6 = fields.optional(value, "DT6")) sids.dt6 = fields.sid(*dt6);
}

void read_policy(const Value& value, std::size_t index, Fields& fields, PolicyCounts& counts,
                 Object& object) {
  fields.only(value, {"bsid", "node", "segment_list", "traffic"});
  overlay::Policy policy;
  policy.key = {object.key.kind, object.key.name + "[" + std::to_string(index) + "]"};
  policy.location = fields.location(value);
  policy.headend.names = {object.node->node};
  std::optional<IpAddress> endpoint;
  if (const auto* node = fields.required(value, "node")) {
    endpoint = read_node_address(*node, fields);
  }
  std::optional<Family> family;
  if (const auto* traffic = fields.required(value, "traffic")) {
    family = fields.word<Family>(*traffic, {{"IPv4", Family::kIpv4}, {"IPv6", Family::kIpv6}});
  }
  if (const auto* bsid = fields.optional(value, "bsid")) policy.binding_sid = fields.sid(*bsid);
  overlay::CandidatePath path;
  path.name = policy.key.name;
  const auto* list = fields.required(value, "segment_list");
  const auto* segments = list == nullptr ? nullptr : fields.list(*list, 1, 127);
  if (segments != nullptr) {
    auto& read = path.lists.emplace_back().segments;
    for (const auto& segment : *segments) {
      if (const auto sid = fields.sid(segment)) read.emplace_back(*sid);
    }
  }
  if (!endpoint || !family) return;
  policy.endpoint = *endpoint;
  policy.ipv4 = *family == Family::kIpv4;
  policy.ipv6 = *family == Family::kIpv6;
  policy.color = policy.ipv4 ? kColorIpv4 : kColorIpv6;
  const auto earlier = counts[{*endpoint, *family}]++;
  if (earlier >= kMostCandidatePaths) {
    fields.error(value, "more than " + std::to_string(kMostCandidatePaths) +
                            " policies for one endpoint and family");
    return;
  }
  path.key.discriminator = derived_discriminator(object.key, earlier);
  policy.paths.push_back(std::move(path));
  object.policies.push_back(std::move(policy));
}

void read_config(const Value& config, Fields& fields, Object& object) {
  fields.only(config, {"localsids", "node", "policies"});
  if (const auto* node = fields.optional(config, "node")) {
    if (auto name = fields.name(*node)) object.node->node = std::move(*name);
  }
  if (const auto* sids = fields.optional(config, "localsids")) {
    read_local_sids(*sids, fields, object.node->sids);
  }
  const auto* policies = fields.optional(config, "policies");
  const auto* entries = policies == nullptr ? nullptr : fields.list(*policies);
  if (entries == nullptr) return;
  PolicyCounts counts;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    read_policy((*entries)[i], i, fields, counts, object);
  }
}

}  // namespace

void read_config_map(const Value& root, Fields& outer, Object& object) {
  const auto* data = outer.required(root, "data");
  const auto* text = data == nullptr ? nullptr : outer.required(*data, kConfigMapKey);
  if (text == nullptr) return;
  const auto yaml = outer.string(*text);
  if (!yaml) return;

  auto& part = object.node.emplace();
  part.node = object.key.name.substr(kConfigMapPrefix.size());
  const std::string prefix = "data." + std::string(kConfigMapKey) + ": ";
  auto documents = parse_yaml(*yaml, text->literal ? text->line : 0);
  if (!documents) {
    const auto& error = documents.error();
    Value at;
    at.line = text->literal ? error.line : text->line;
    Fields fields(at, object.key, outer.source(), prefix);
    fields.error(at, error.reason);
    outer.take(std::move(fields));
    return;
  }
  if (documents->empty() || documents->front().kind == Value::Kind::kNull) return;
  if (documents->size() > 1) {
    outer.error(*text, "holds " + std::to_string(documents->size()) + " documents; one is needed");
    return;
  }
  auto& config = documents->front();
  // Lines inside a quoted or folded string cannot be told; the line of the string itself can.
  if (!text->literal) set_line(config, text->line);
  Fields fields(config, object.key, outer.source(), prefix);
  read_config(config, fields, object);
  outer.take(std::move(fields));
}

}  // namespace sextant::sources
