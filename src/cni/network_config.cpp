#include "cni/network_config.h"

#include <algorithm>
#include <cctype>

#include "cni/json_fields.h"
#include "dataplane/linux/netlink/mtu.h"

namespace sextant::cni {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaximumMtu = 65535;
// An SRH's length field ends at 127 segments (RFC 8754 section 2: units of 8 octets in 8 bits), and
// the reduced form leaves one out.
constexpr std::int64_t kMaximumSegments = 128;

Outcome<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) {
    return refuse(ErrorCode::kDecode, "standard input is not valid JSON", error.message());
  }
  if (!value.is_object()) {
    return refuse(ErrorCode::kDecode, "standard input is not a JSON object",
                  "found " + json::serialize(value));
  }
  return std::move(value.get_object());
}

// "mtu: expected ..., found ..."
tl::unexpected<CniError> refuse_field(const Error& error) {
  std::string message = error.object + ": " + error.cause;
  if (!error.hint.empty()) message += "; " + error.hint;
  return refuse(ErrorCode::kInvalidConfig, message);
}

Result<std::optional<std::int64_t>> number_field(const json::object& object, std::string_view name,
                                                 std::int64_t lowest, std::int64_t highest) {
  const auto* value = find_field(object, name);
  if (value == nullptr) return std::optional<std::int64_t>{};
  if (!value->is_int64() || value->get_int64() < lowest || value->get_int64() > highest) {
    return wrong_field(
        name, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest),
        *value);
  }
  return std::optional<std::int64_t>(value->get_int64());
}

Result<std::string> ipam_type(const json::object& object) {
  const auto* ipam = find_field(object, "ipam");
  if (ipam == nullptr) {
    return failure("read", "ipam", "missing", "pods need an IPAM plugin, for instance host-local");
  }
  if (!ipam->is_object()) return wrong_field("ipam", "an object", *ipam);
  auto type = text_field(ipam->get_object(), "type", "ipam.");
  if (!type) return type;
  if (type->empty()) return failure("read", "ipam.type", "missing");
  // A name, not a path: only CNI_PATH says where plugins are.
  if (type->find('/') != std::string::npos || *type == "." || *type == "..") {
    return failure("read", "ipam.type", "'" + *type + "' is not the name of a plugin");
  }
  return type;
}

// The specification, section 1: it becomes a part of file names.
bool is_network_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !name.empty() && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

Result<std::optional<std::set<Owner>>> valid_attachments(const json::object& object) {
  constexpr std::string_view kField = "cni.dev/valid-attachments";
  const auto* list = find_field(object, kField);
  if (list == nullptr) return std::optional<std::set<Owner>>{};
  if (!list->is_array()) return wrong_field(kField, "a list", *list);
  std::set<Owner> owners;
  for (const auto& each : list->get_array()) {
    if (!each.is_object()) return wrong_field(kField, "a list of objects", each);
    auto id = text_field(each.get_object(), "containerID", std::string(kField) + ".");
    if (!id) return tl::unexpected(id.error());
    auto ifname = text_field(each.get_object(), "ifname", std::string(kField) + ".");
    if (!ifname) return tl::unexpected(ifname.error());
    // Half an entry would let a living pod's attachment go.
    if (id->empty() || ifname->empty()) {
      return wrong_field(kField, "objects with containerID and ifname", each);
    }
    owners.insert({*id, *ifname});
  }
  return std::optional<std::set<Owner>>(std::move(owners));
}

// The conventions of the specification, "Dynamic plugin specific fields": a MAC address.
Result<std::optional<netlink::MacAddress>> wanted_mac(const json::object& object) {
  const auto* runtime = find_field(object, "runtimeConfig");
  if (runtime == nullptr) return std::optional<netlink::MacAddress>{};
  if (!runtime->is_object()) return wrong_field("runtimeConfig", "an object", *runtime);
  const auto text = text_field(runtime->get_object(), "mac", "runtimeConfig.");
  if (!text) return tl::unexpected(text.error());
  if (text->empty()) return std::optional<netlink::MacAddress>{};
  const auto mac = netlink::MacAddress::parse(*text);
  if (!mac)
    return failure("read", "runtimeConfig.mac", mac.error().object + ": " + mac.error().cause);
  if ((mac->bytes()[0] & 1) != 0) {
    return failure("read", "runtimeConfig.mac", *text + " is a multicast address");
  }
  return std::optional<netlink::MacAddress>(*mac);
}

// Where host-local keeps its leases: below `ipam.dataDir`, a folder a network.
std::string lease_folder(const json::object& object, const std::string& network) {
  const auto* ipam = find_field(object, "ipam");
  if (ipam == nullptr || !ipam->is_object()) return {};
  const auto type = text_field(ipam->get_object(), "type");
  if (!type || *type != "host-local") return {};
  const auto data = text_field(ipam->get_object(), "dataDir");
  return (data && !data->empty() ? *data : "/var/lib/cni/networks") + "/" + network;
}

std::string list_versions() {
  std::string list;
  for (const auto version : kSupportedVersions) {
    list += (list.empty() ? "" : ", ") + std::string(version);
  }
  return list;
}

}  // namespace

Outcome<std::string> parse_version(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  auto version = text_field(*object, "cniVersion");
  if (!version) return refuse_field(version.error());
  return *version;
}

Outcome<NetworkConfig> parse_config(std::string text) {
  const auto object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  NetworkConfig config;

  auto version = text_field(*object, "cniVersion");
  if (!version) return refuse_field(version.error());
  config.cni_version = *version;
  if (std::find(kSupportedVersions.begin(), kSupportedVersions.end(), *version) ==
      kSupportedVersions.end()) {
    return refuse(ErrorCode::kIncompatibleVersion,
                  "cniVersion: " + (version->empty() ? "missing" : "'" + *version + "'") +
                      " is not supported",
                  "supported are " + list_versions());
  }
  auto name = text_field(*object, "name");
  if (!name) return refuse_field(name.error());
  if (name->empty()) return refuse(ErrorCode::kInvalidConfig, "name: missing");
  if (!is_network_name(*name)) {
    return refuse(ErrorCode::kInvalidConfig, "name: '" + *name + "' is not the name of a network",
                  "a letter or digit, then letters, digits, '_', '.' and '-'");
  }
  config.name = *name;

  auto type = ipam_type(*object);
  if (!type) return refuse_field(type.error());
  config.ipam_type = *type;

  const auto mtu = number_field(*object, "mtu", netlink::kMinimumPodMtu, kMaximumMtu);
  if (!mtu) return refuse_field(mtu.error());
  if (*mtu) config.mtu = static_cast<std::uint32_t>(**mtu);
  const auto segments = number_field(*object, "maxSegments", 1, kMaximumSegments);
  if (!segments) return refuse_field(segments.error());
  if (*segments) config.max_segments = static_cast<std::size_t>(**segments);

  const auto mac = wanted_mac(*object);
  if (!mac) return refuse_field(mac.error());
  config.mac = *mac;
  // People bring it from the bridge plugin's configuration and would miss it only later.
  if (const auto* masquerade = find_field(*object, "ipMasq");
      masquerade != nullptr && *masquerade == true) {
    return refuse(
        ErrorCode::kUnsupportedField, "ipMasq: true is not supported",
        "pods keep their addresses in the overlay; let the node masquerade what leaves it "
        "(kube-proxy, ip-masq-agent, nftables)");
  }

  if (const auto* dns = find_field(*object, "dns")) {
    auto parsed = parse_dns(*dns, "dns");
    if (!parsed) return refuse_field(parsed.error());
    // An empty object comes from runtimes that always write the field.
    if (!parsed->empty()) config.dns = std::move(*parsed);
  }
  if (const auto* previous = find_field(*object, "prevResult")) {
    auto parsed = parse_result(*previous, "prevResult.");
    if (!parsed) return refuse_field(parsed.error());
    config.previous = std::move(*parsed);
  }
  auto valid = valid_attachments(*object);
  if (!valid) return refuse_field(valid.error());
  config.valid_attachments = std::move(*valid);
  config.lease_folder = lease_folder(*object, config.name);
  config.text = std::move(text);
  return config;
}

}  // namespace sextant::cni
