#include "sources/object.h"

#include <utility>

#include "sources/readers.h"

namespace sextant::sources {
namespace {

struct TypeMeta {
  std::string api_version;
  std::string kind;
};

class DocumentReader {
 public:
  DocumentReader(std::string_view source, Reading& reading) : source_(source), reading_(reading) {}

  void read(const Value& value, const TypeMeta& inherited) {
    if (value.kind != Value::Kind::kMap) {
      return unidentified(
          value, std::string(to_string(value.kind)) + " where a Kubernetes object is needed");
    }
    const TypeMeta type{text(value, "apiVersion", inherited.api_version),
                        text(value, "kind", inherited.kind)};
    if (type.kind.empty()) return unidentified(value, "an object without 'kind'");
    if (type.api_version.empty()) return unidentified(value, "an object without 'apiVersion'");
    if (type.kind.ends_with("List") && value.find("items") != nullptr) return items(value, type);
    object(value, type);
  }

 private:
  static std::string text(const Value& map, std::string_view name, const std::string& otherwise) {
    const auto* found = map.find(name);
    return found != nullptr && found->kind == Value::Kind::kString ? found->text : otherwise;
  }

  void unidentified(const Value& at, std::string reason) {
    const overlay::ObjectKey file{"File", source_};
    reading_.findings.push_back(
        {Severity::kError, {file, Fields(at, file, source_).location(at), std::move(reason)}});
    reading_.unidentified = true;
  }

  void items(const Value& list, const TypeMeta& type) {
    const auto* found = list.find("items");
    if (found->kind == Value::Kind::kNull) return;
    if (found->kind != Value::Kind::kList) {
      return unidentified(*found, type.kind + ": items is not a list");
    }
    // The API leaves the type out of a typed list's items ("NodeList").
    TypeMeta inherited{type.api_version, type.kind.substr(0, type.kind.size() - 4)};
    if (inherited.kind.empty()) inherited = {};
    for (const auto& item : found->items) read(item, inherited);
  }

  void object(const Value& value, const TypeMeta& type) {
    const auto slash = type.api_version.find('/');
    const bool core = slash == std::string::npos;
    const auto group = core ? std::string() : type.api_version.substr(0, slash);
    const auto version = core ? type.api_version : type.api_version.substr(slash + 1);
    const bool own_kind =
        type.kind == "SRv6Node" || type.kind == "SRv6Policy" || type.kind == "SRv6Locator";
    if (group == kGroup && !own_kind) {
      return unidentified(value, "group " + group + " has no kind '" + type.kind +
                                     "'; it has SRv6Node, SRv6Policy and SRv6Locator");
    }
    const auto name = name_of(value);
    const overlay::ObjectKey key{type.kind, name};
    const bool own = group == kGroup && own_kind;
    const auto reader = own ? nullptr : foreign_reader(type, name);
    if (!own && reader == nullptr) {
      if (own_kind) {
        reading_.findings.push_back(
            {Severity::kWarning,
             {key, Fields(value, key, source_).location(value),
              "apiVersion '" + type.api_version + "' is not " + std::string(kGroup) + "/" +
                  std::string(kVersion) + ": ignored"}});
      }
      reading_.ignored.push_back(key);
      return;
    }
    if (!is_kubernetes_name(name)) {
      return unidentified(value, name.empty() ? type.kind + " without a name (metadata.name)"
                                              : type.kind + ": metadata.name: '" + name +
                                                    "' is not a name as Kubernetes has them");
    }

    Object object{.key = key};
    Fields fields(value, object.key, source_);
    object.location = fields.location(value);
    if (own && version != kVersion) {
      fields.error(*value.find("apiVersion"),
                   "unknown version '" + version + "'; known: " + std::string(kVersion));
    } else if (own) {
      fields.only(value, {"apiVersion", "kind", "metadata", "spec", "status"});
      if (type.kind == "SRv6Node") read_srv6_node(value, fields, object);
      if (type.kind == "SRv6Policy") read_srv6_policy(value, fields, object);
      if (type.kind == "SRv6Locator") read_srv6_locator(value, fields, object);
    } else {
      reader(value, fields, object);
    }
    object.usable = !fields.failed();
    if (!object.usable) object = {.key = object.key, .location = object.location};
    object.findings = fields.release();
    reading_.objects.push_back(std::move(object));
  }

  using Reader = void (*)(const Value&, Fields&, Object&);

  /// Of what others made and Sextant reads too; null: it does not.
  static Reader foreign_reader(const TypeMeta& type, std::string_view name) {
    if (type.api_version == "v1" && type.kind == "Node") return read_node;
    if (type.api_version == "v1" && type.kind == "Secret") return read_secret;
    if (type.api_version == "v1" && type.kind == "ConfigMap") {
      if (name.starts_with(kConfigMapPrefix)) return read_config_map;
      return name == kCalicoVppConfig ? read_calico_vpp_config : nullptr;
    }
    const bool calico = type.api_version == "crd.projectcalico.org/v1";
    if (calico || type.api_version == "projectcalico.org/v3") {
      const bool of_sids = name.starts_with(kLocatorPoolPrefix) || name == kBindingSidPool;
      if (type.kind == "IPPool") return of_sids ? read_ip_pool : nullptr;
      if (type.kind == "BGPConfiguration") return read_bgp_configuration;
      if (type.kind == "BGPPeer") return read_bgp_peer;
      if (type.kind == "BGPFilter") return read_bgp_filter;
    }
    if (calico && type.kind == "BlockAffinity") return read_block_affinity;
    if (calico && type.kind == "IPAMBlock") return read_ipam_block;
    return nullptr;
  }

  static std::string name_of(const Value& value) {
    const auto* metadata = value.find("metadata");
    return metadata == nullptr ? std::string() : text(*metadata, "name", {});
  }

  std::string source_;
  Reading& reading_;
};

}  // namespace

std::string Finding::text() const {
  return problem.location + ": " + problem.object.to_string() + ": " + problem.reason;
}

void read_document(const Value& document, std::string_view source, Reading& reading) {
  if (document.kind == Value::Kind::kNull) return;
  DocumentReader(source, reading).read(document, {});
}

std::uint32_t derived_discriminator(const overlay::ObjectKey& object, std::size_t index) {
  std::uint32_t hash = 2166136261U;
  for (const char c : object.to_string()) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  }
  const auto folded = (hash >> 24) ^ (hash & 0xffffffU);
  return (folded << 8) | static_cast<std::uint32_t>(kMostCandidatePaths - 1 - index);
}

}  // namespace sextant::sources
