// Calico's objects (crd.projectcalico.org/v1 IPPool, BlockAffinity, IPAMBlock) and Calico-VPP's
// ConfigMap, as far as they say where nodes' SIDs and pods are.
//
// They are others' objects: fields that are not named here are none of our business.
#include <string>

#include "sources/readers.h"
#include "sources/yaml.h"

namespace sextant::sources {
namespace {

/// In an IPAMBlock: "host:worker1"; "virtual:load-balancer" for addresses of Services.
constexpr std::string_view kHostAffinity = "host:";

/// The node of an allocation; null where it is no node's (reserved addresses).
const Value* node_of(const Value& attributes, std::size_t index) {
  if (attributes.kind != Value::Kind::kList || index >= attributes.items.size()) return nullptr;
  const auto* secondary = attributes.items[index].find("secondary");
  return secondary == nullptr ? nullptr : secondary->find("node");
}

void read_pool(const Value& text, std::string_view name, Fields& fields, Object& object) {
  const auto prefix = fields.prefix(text);
  if (!prefix) return;
  if (prefix->family() != Family::kIpv6) {
    fields.error(text, "'" + text.text + "' is not IPv6: " + std::string(name) + " holds SIDs");
    return;
  }
  object.sid_prefixes.push_back(*prefix);
}

}  // namespace

void read_ip_pool(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.required(root, "spec");
  const auto* cidr = spec == nullptr ? nullptr : fields.required(*spec, "cidr");
  if (cidr == nullptr) return;
  read_pool(*cidr, "the pool", fields, object);
  if (object.key.name == kBindingSidPool || object.sid_prefixes.empty()) return;
  auto locator = srv6::Locator::make(object.sid_prefixes.front());
  if (!locator) {
    fields.error(*cidr, "'" + cidr->text + "' cannot be a locator: " + locator.error().cause);
    return;
  }
  auto& part = object.node.emplace();
  part.node = object.key.name.substr(kLocatorPoolPrefix.size());
  part.locator = *locator;
}

void read_block_affinity(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return;
  const auto* node = fields.required(*spec, "node");
  const auto* cidr = fields.required(*spec, "cidr");
  const auto* state = fields.required(*spec, "state");
  if (node == nullptr || cidr == nullptr || state == nullptr) return;
  const auto* type = fields.optional(*spec, "type");
  const auto* deleted = fields.optional(*spec, "deleted");  // "true", or in early releases true
  const auto name = fields.name(*node);
  const auto prefix = fields.prefix(*cidr);
  if (!name || !prefix || state->text != "confirmed") return;
  if (deleted != nullptr && deleted->text == "true") return;
  if (type != nullptr && type->text != "host") return;
  auto& part = object.node.emplace();
  part.node = *name;
  part.pod_prefixes.push_back({*prefix, std::nullopt});
}

void read_ipam_block(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.required(root, "spec");
  const auto* cidr = spec == nullptr ? nullptr : fields.required(*spec, "cidr");
  if (cidr == nullptr) return;
  const auto prefix = fields.prefix(*cidr);
  const auto* allocations = fields.optional(*spec, "allocations");
  const auto* attributes = fields.optional(*spec, "attributes");
  if (!prefix || allocations == nullptr || attributes == nullptr) return;
  const auto* entries = fields.list(*allocations);
  if (entries == nullptr) return;
  std::string owner;
  if (const auto* affinity = fields.optional(*spec, "affinity")) {
    if (!affinity->text.starts_with(kHostAffinity)) return;
    owner = affinity->text.substr(kHostAffinity.size());
  }
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto& entry = (*entries)[i];
    if (entry.kind == Value::Kind::kNull) continue;  // free
    const auto index = fields.number(entry, 0, static_cast<std::int64_t>(entries->size()));
    if (!index) continue;
    const auto* node = node_of(*attributes, static_cast<std::size_t>(*index));
    if (node == nullptr || node->text.empty() || node->text == owner) continue;
    const auto address = prefix->at(i);
    if (!address) {
      fields.error(entry, "lies outside of " + prefix->to_string());
      return;
    }
    if (auto name = fields.name(*node)) object.lent.push_back({std::move(*name), *address});
  }
}

void read_calico_vpp_config(const Value& root, Fields& outer, Object& object) {
  const auto* data = outer.optional(root, "data");
  const auto* text = data == nullptr ? nullptr : outer.optional(*data, kCalicoVppSrv6Key);
  if (text == nullptr) return;
  const auto json = outer.string(*text);
  if (!json) return;
  const auto documents = parse_yaml(*json);  // JSON, and what passes for it in documentation
  if (!documents || documents->size() > 1) {
    outer.error(*text, documents ? "holds several documents" : documents.error().reason);
    return;
  }
  if (documents->empty() || documents->front().kind == Value::Kind::kNull) return;
  const auto& config = documents->front();
  Fields fields(config, object.key, outer.source(),
                "data." + std::string(kCalicoVppSrv6Key) + ": ");
  for (const auto* name : {"localsidPool", "policyPool"}) {
    if (const auto* pool = fields.optional(config, name)) read_pool(*pool, name, fields, object);
  }
  outer.take(std::move(fields));
}

}  // namespace sextant::sources
