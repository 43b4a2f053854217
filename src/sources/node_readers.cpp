// core/v1 Node and SRv6Node.
#include <algorithm>
#include <limits>
#include <unordered_set>

#include "sources/readers.h"

namespace sextant::sources {
namespace {

using overlay::LocatorReach;

std::optional<std::uint8_t> read_length(const Value& map, std::string_view name, Fields& fields,
                                        std::uint8_t otherwise) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return otherwise;
  const auto number = fields.number(*value, 0, 128);
  if (!number) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

std::optional<srv6::SidStructure> read_structure(const Value& value, Fields& fields) {
  fields.only(value, {"blockLength", "nodeLength", "functionLength", "argumentLength"});
  const bool complete = fields.required(value, "blockLength") != nullptr &&
                        fields.required(value, "nodeLength") != nullptr;
  const srv6::SidStructure defaults;
  const auto block = read_length(value, "blockLength", fields, defaults.block);
  const auto node = read_length(value, "nodeLength", fields, defaults.node);
  const auto function = read_length(value, "functionLength", fields, defaults.function);
  const auto argument = read_length(value, "argumentLength", fields, defaults.argument);
  if (!complete || !block || !node || !function || !argument) return std::nullopt;
  return srv6::SidStructure{*block, *node, *function, *argument};
}

std::optional<srv6::Locator> read_locator(const Value& value, const Value* structure,
                                          Fields& fields) {
  const auto prefix = fields.prefix(value);
  std::optional<srv6::SidStructure> lengths;
  if (structure != nullptr) {
    lengths = read_structure(*structure, fields);
    if (!lengths) return std::nullopt;
  }
  if (!prefix) return std::nullopt;
  auto locator = lengths ? srv6::Locator::make(*prefix, *lengths) : srv6::Locator::make(*prefix);
  if (!locator) {
    fields.error(value, "'" + value.text + "' cannot be a locator: " + locator.error().cause +
                            (locator.error().hint.empty() ? "" : "; " + locator.error().hint));
    return std::nullopt;
  }
  return *locator;
}

void read_labels(const Value& metadata, Fields& fields, NodePart& part) {
  if (const auto* labels = fields.optional(metadata, "labels")) {
    if (auto map = fields.string_map(*labels)) part.labels = std::move(*map);
  }
}

void read_annotations(const Value& metadata, Fields& fields, Object& object) {
  auto& part = *object.node;
  const auto* annotations = fields.optional(metadata, "annotations");
  if (annotations == nullptr) return;
  read_calico_annotations(*annotations, fields, object);
  if (const auto* locator = fields.optional(*annotations, kLocatorAnnotation)) {
    part.locator = read_locator(*locator, nullptr, fields);
  }
  if (const auto* reach = fields.optional(*annotations, kLocatorReachAnnotation)) {
    part.reach = fields.word<LocatorReach>(
        *reach, {{"fabric", LocatorReach::kFabric}, {"on-link", LocatorReach::kOnLink}});
  }
  for (std::size_t i = 0; i < annotations->keys.size(); ++i) {
    const auto& key = annotations->keys[i];
    if (key.starts_with("sextant.dev/") && key != kLocatorAnnotation &&
        key != kLocatorReachAnnotation) {
      fields.warn(annotations->items[i],
                  "unknown annotation, ignored; known here: " + std::string(kLocatorAnnotation) +
                      ", " + std::string(kLocatorReachAnnotation));
    }
  }
}

void read_sids(const Value& value, Fields& fields, overlay::FixedSids& sids) {
  fields.only(value, {"end", "endDT4", "endDT6", "endDT46"});
  const auto read = [&](std::string_view name, std::optional<srv6::Sid>& into) {
    if (const auto* text = fields.optional(value, name)) into = fields.sid(*text);
  };
  read("end", sids.end);
  read("endDT4", sids.dt4);
  read("endDT6", sids.dt6);
  read("endDT46", sids.dt46);
}

void read_pod_prefixes(const Value& value, Fields& fields, NodePart& part) {
  const auto* entries = fields.list(value);
  if (entries == nullptr) return;
  part.pod_prefixes.reserve(entries->size());
  std::unordered_set<IpPrefix> known;
  for (const auto& entry : *entries) {
    fields.only(entry, {"prefix", "color"});
    const auto* text = fields.required(entry, "prefix");
    if (text == nullptr) continue;
    const auto prefix = fields.prefix(*text);
    std::optional<srv6::Color> color;
    if (const auto* number = fields.optional(entry, "color")) {
      if (const auto read = fields.number(*number, 1, std::numeric_limits<std::uint32_t>::max())) {
        color = srv6::Color{static_cast<std::uint32_t>(*read)};
      }
    }
    if (!prefix) continue;
    if (!known.insert(*prefix).second) fields.error(*text, "'" + text->text + "' is given twice");
    part.pod_prefixes.push_back({*prefix, color});
  }
}

void read_internal_addresses(const Value& root, Fields& fields, NodePart& part) {
  const auto* status = fields.optional(root, "status");
  const auto* addresses = status == nullptr ? nullptr : fields.optional(*status, "addresses");
  const auto* entries = addresses == nullptr ? nullptr : fields.list(*addresses);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    const auto* type = fields.required(entry, "type");
    const auto* text = fields.required(entry, "address");
    if (type == nullptr || text == nullptr || type->text != "InternalIP") continue;
    if (const auto address = read_node_address(*text, fields)) part.addresses.push_back(*address);
  }
}

}  // namespace

std::optional<IpAddress> read_node_address(const Value& value, Fields& fields) {
  const auto address = fields.address(value);
  if (!address) return std::nullopt;
  const auto first = address->bytes()[0];
  const bool unicast = address->is_v4()
                           ? first != 0 && first != 127 && first < 224
                           : !address->v6().is_unspecified() && !address->v6().is_multicast() &&
                                 !address->v6().is_link_local() && address->to_string() != "::1";
  if (unicast) return address;
  fields.error(value, "'" + value.text + "' is not an address that a node can be reached by");
  return std::nullopt;
}

void read_node(const Value& root, Fields& fields, Object& object) {
  auto& part = object.node.emplace();
  part.node = object.key.name;
  const auto* metadata = root.find("metadata");
  read_labels(*metadata, fields, part);
  read_annotations(*metadata, fields, object);
  if (const auto* spec = fields.optional(root, "spec")) {
    const auto add = [&](const Value& text) {
      if (const auto prefix = fields.prefix(text)) part.pod_prefixes.push_back({*prefix, {}});
    };
    if (const auto* many = fields.optional(*spec, "podCIDRs")) {
      if (const auto* entries = fields.list(*many)) {
        for (const auto& entry : *entries) add(entry);
      }
    } else if (const auto* one = fields.optional(*spec, "podCIDR")) {
      add(*one);
    }
  }
  read_internal_addresses(root, fields, part);
  // A Node that is registered with an IPv4 address alone: the IPv6 one that Calico found.
  if (!object.bgp || std::ranges::any_of(part.addresses, &IpAddress::is_v6)) return;
  const auto& calico = std::get<CalicoNode>(*object.bgp);
  if (calico.ipv6) part.addresses.push_back(*calico.ipv6);
}

void read_srv6_node(const Value& root, Fields& fields, Object& object) {
  auto& part = object.node.emplace();
  part.node = object.key.name;
  read_labels(*root.find("metadata"), fields, part);
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return;
  fields.only(*spec,
              {"addresses", "locator", "sidStructure", "locatorReach", "sids", "podPrefixes"});
  if (const auto* addresses = fields.optional(*spec, "addresses")) {
    if (const auto* entries = fields.list(*addresses)) {
      for (const auto& entry : *entries) {
        if (const auto address = read_node_address(entry, fields)) {
          part.addresses.push_back(*address);
        }
      }
    }
  }
  const auto* structure = fields.optional(*spec, "sidStructure");
  if (const auto* locator = fields.optional(*spec, "locator")) {
    part.locator = read_locator(*locator, structure, fields);
  } else if (structure != nullptr) {
    fields.error(*structure, "has no meaning without spec.locator");
  }
  if (const auto* reach = fields.optional(*spec, "locatorReach")) {
    part.reach = fields.word<LocatorReach>(
        *reach, {{"Fabric", LocatorReach::kFabric}, {"OnLink", LocatorReach::kOnLink}});
  }
  if (const auto* sids = fields.optional(*spec, "sids")) read_sids(*sids, fields, part.sids);
  if (const auto* prefixes = fields.optional(*spec, "podPrefixes")) {
    read_pod_prefixes(*prefixes, fields, part);
  }
}

}  // namespace sextant::sources
