#include "sources/kubernetes/watched_kinds.h"

#include <array>
#include <boost/json/value.hpp>
#include <functional>

#include "sources/kubernetes/json_value.h"
#include "sources/readers.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using sources::Value;

const std::array<WatchedKind, kKinds>& table() {
  static const std::array<WatchedKind, kKinds> kTable{{
      {Kind::kNode, "Node", {"", "v1", "nodes"}},
      {Kind::kSrv6Node, "SRv6Node", {"sextant.dev", "v1alpha1", "srv6nodes"}},
      {Kind::kSrv6Policy, "SRv6Policy", {"sextant.dev", "v1alpha1", "srv6policies"}},
      {Kind::kSrv6Locator, "SRv6Locator", {"sextant.dev", "v1alpha1", "srv6locators"}},
      {Kind::kConfigMap, "ConfigMap", {"", "v1", "configmaps"}, true},
      {Kind::kIpPool, "IPPool", {"crd.projectcalico.org", "v1", "ippools"}},
      {Kind::kBlockAffinity,
       "BlockAffinity",
       {"crd.projectcalico.org", "v1", "blockaffinities"},
       false,
       Need::kBlocks},
      {Kind::kIpamBlock,
       "IPAMBlock",
       {"crd.projectcalico.org", "v1", "ipamblocks"},
       false,
       Need::kBlocks},
      {Kind::kBgpConfiguration,
       "BGPConfiguration",
       {"crd.projectcalico.org", "v1", "bgpconfigurations"},
       false,
       Need::kPeering},
      {Kind::kBgpPeer,
       "BGPPeer",
       {"crd.projectcalico.org", "v1", "bgppeers"},
       false,
       Need::kPeering},
      {Kind::kBgpFilter,
       "BGPFilter",
       {"crd.projectcalico.org", "v1", "bgpfilters"},
       false,
       Need::kPeering},
      {Kind::kSecret, "Secret", {"", "v1", "secrets"}, true, Need::kByName},
  }};
  return kTable;
}

void add(Value& map, std::string_view key, Value value) {
  map.kind = Value::Kind::kMap;
  map.keys.emplace_back(key);
  map.items.push_back(std::move(value));
}

Value text(std::string_view text) {
  Value value;
  value.kind = Value::Kind::kString;
  value.text = text;
  return value;
}

bool every_key(std::string_view) { return true; }
bool read_annotation(std::string_view key) {
  return key.starts_with("sextant.dev/") || key == sources::kAsnAnnotation ||
         key == sources::kClusterIdAnnotation || key == sources::kIpv6Annotation;
}
bool config_key(std::string_view key) {
  return key == sources::kConfigMapKey || key == sources::kCalicoVppSrv6Key;
}

/// The members of from[name] whose keys are wanted; nothing where there is no from[name]. What is
/// no object is taken as it is: its reader says so.
void copy(const json::object& from, std::string_view name, Value& to,
          bool (*wanted)(std::string_view) = every_key) {
  const auto* member = from.if_contains({name.data(), name.size()});
  if (member == nullptr) return;
  const auto* object = member->if_object();
  if (object == nullptr) return add(to, name, value_of(*member));
  Value map;
  map.kind = Value::Kind::kMap;
  for (const auto& [key, value] : *object) {
    if (wanted(key)) add(map, key, value_of(value));
  }
  add(to, name, std::move(map));
}

/// attributes[] with nothing but secondary.node.
Value allocation_attributes(const json::value& attributes) {
  const auto* entries = attributes.if_array();
  if (entries == nullptr) return value_of(attributes);
  Value list;
  list.kind = Value::Kind::kList;
  for (const auto& entry : *entries) {
    Value reduced;
    reduced.kind = Value::Kind::kMap;
    const auto* object = entry.if_object();
    if (object != nullptr) {
      copy(*object, "secondary", reduced, [](std::string_view key) { return key == "node"; });
    }
    list.items.push_back(std::move(reduced));
  }
  return list;
}

void copy_spec(Kind kind, const json::object& object, Value& root) {
  if (kind == Kind::kNode) {
    return copy(object, "spec", root,
                [](std::string_view key) { return key == "podCIDRs" || key == "podCIDR"; });
  }
  if (kind == Kind::kIpPool) {
    return copy(object, "spec", root, [](std::string_view key) { return key == "cidr"; });
  }
  const auto* spec = object.if_contains("spec");
  if (kind != Kind::kIpamBlock || spec == nullptr || !spec->is_object()) {
    return copy(object, "spec", root);
  }
  Value reduced;
  reduced.kind = Value::Kind::kMap;
  for (const auto* name : {"cidr", "affinity", "allocations"}) {
    if (const auto* member = spec->get_object().if_contains(name)) {
      add(reduced, name, value_of(*member));
    }
  }
  if (const auto* attributes = spec->get_object().if_contains("attributes")) {
    add(reduced, "attributes", allocation_attributes(*attributes));
  }
  add(root, "spec", std::move(reduced));
}

}  // namespace

std::span<const WatchedKind> watched_kinds() { return table(); }

const WatchedKind& watched(Kind kind) { return table()[static_cast<std::size_t>(kind)]; }

Value essence(Kind kind, const json::object& object) {
  const auto& type = watched(kind);
  Value root;
  add(root, "apiVersion", text(api_version(type.resource)));
  add(root, "kind", text(type.name));
  Value metadata;
  metadata.kind = Value::Kind::kMap;
  if (const auto* from = object.if_contains("metadata"); from != nullptr && from->is_object()) {
    if (const auto* name = from->get_object().if_contains("name")) {
      add(metadata, "name", value_of(*name));
    }
    if (kind == Kind::kNode || kind == Kind::kSrv6Node)
      copy(from->get_object(), "labels", metadata);
    if (kind == Kind::kNode) copy(from->get_object(), "annotations", metadata, read_annotation);
  }
  add(root, "metadata", std::move(metadata));
  if (kind == Kind::kConfigMap) {
    copy(object, "data", root, config_key);
  } else if (kind == Kind::kSecret) {
    copy(object, "data", root);
  } else {
    copy_spec(kind, object, root);
  }
  if (kind == Kind::kNode) {
    copy(object, "status", root, [](std::string_view key) { return key == "addresses"; });
  }
  return root;
}

}  // namespace sextant::kubernetes
