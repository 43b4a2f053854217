// Calico's objects (crd.projectcalico.org/v1 BGPConfiguration, BGPPeer) and annotations, as far as
// they say with whom nodes speak BGP; BGPFilter is in calico_filter_reader.cpp.
//
// What Sextant does not do is a warning with the field and the reason, and the object counts
// without it. Fields that concern Calico's own programs alone are none of our business.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/base64.h"
#include "sources/readers.h"

namespace sextant::sources {
namespace {

/// The configuration of one node; another one is of all.
constexpr std::string_view kNodePrefix = "node.";
constexpr std::chrono::seconds kLongestRestartTime{4095};

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

/// As a number, or in two halves: "1.10" is 65546 (RFC 5396).
std::optional<std::uint32_t> parse_asn(std::string_view text) {
  std::optional<std::uint32_t> asn;
  if (const auto dot = text.find('.'); dot != std::string_view::npos) {
    const auto high = parse_number<std::uint16_t>(text.substr(0, dot));
    const auto low = parse_number<std::uint16_t>(text.substr(dot + 1));
    if (high && low) asn = std::uint32_t{*high} << 16U | *low;
  } else {
    asn = parse_number<std::uint32_t>(text);
  }
  return asn && *asn != 0 ? asn : std::nullopt;
}

/// "120s", "1h30m": whole seconds of a Go duration.
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::chrono::milliseconds sum{0};
  while (!text.empty()) {
    std::uint32_t count = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
    if (read.ec != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    const auto unit = text.substr(0, text.find_first_of("0123456789"));
    if (unit == "h") {
      sum += std::chrono::hours(count);
    } else if (unit == "m") {
      sum += std::chrono::minutes(count);
    } else if (unit == "s") {
      sum += std::chrono::seconds(count);
    } else if (unit == "ms") {
      sum += std::chrono::milliseconds(count);
    } else {
      return std::nullopt;
    }
    text.remove_prefix(unit.size());
  }
  return std::chrono::duration_cast<std::chrono::seconds>(sum);
}

/// Numbers and strings alike: AS numbers of Calico may be either.
std::optional<std::uint32_t> read_asn(const Value& map, Fields& fields) {
  const auto* value = fields.optional(map, "asNumber");
  if (value == nullptr) return std::nullopt;
  const bool scalar = value->kind == Value::Kind::kNumber || value->kind == Value::Kind::kString;
  const auto asn = scalar ? parse_asn(value->text) : std::nullopt;
  if (!asn) fields.error(*value, "'" + value->text + "' is not an AS number");
  return asn;
}

std::optional<std::chrono::seconds> read_restart_time(const Value& map, std::string_view name,
                                                      Fields& fields) {
  const auto* value = fields.optional(map, name);
  const auto text = value == nullptr ? std::nullopt : fields.string(*value);
  if (!text) return std::nullopt;
  const auto time = parse_duration(*text);
  if (!time) fields.error(*value, "'" + *text + "' is not a duration such as 120s or 2m30s");
  if (!time || time->count() <= kLongestRestartTime.count()) return time;
  fields.warn(*value, "'" + *text + "' is cut to " + std::to_string(kLongestRestartTime.count()) +
                          "s, the longest that BGP can say (RFC 4724 section 3)");
  return kLongestRestartTime;
}

std::optional<bool> read_bool(const Value& map, std::string_view name, Fields& fields) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return std::nullopt;
  if (value->kind == Value::Kind::kBool) return value->text == "true";
  fields.error(*value, "is neither true nor false");
  return std::nullopt;
}

std::optional<SecretKey> read_password(const Value& map, std::string_view name, Fields& fields) {
  const auto* password = fields.optional(map, name);
  const auto* place = password == nullptr ? nullptr : fields.required(*password, "secretKeyRef");
  if (place == nullptr) return std::nullopt;
  const auto* secret = fields.required(*place, "name");
  const auto* key = fields.required(*place, "key");
  if (secret == nullptr || key == nullptr) return std::nullopt;
  const auto secret_name = fields.name(*secret);
  const auto key_name = fields.string(*key);
  if (!secret_name || !key_name) return std::nullopt;
  return SecretKey{*secret_name, *key_name};
}

std::optional<Selector> read_selector(const Value& map, std::string_view name, Fields& fields) {
  const auto* value = fields.optional(map, name);
  const auto text = value == nullptr ? std::nullopt : fields.string(*value);
  if (!text || text->empty()) return std::nullopt;
  auto selector = Selector::parse(*text);
  if (selector) return std::move(*selector);
  fields.error(*value, "'" + *text + "' is no selector: " + selector.error().cause);
  return std::nullopt;
}

/// A warning for what is set to another value than the one that changes nothing.
void refuse(const Value& map, std::string_view name, std::string_view usual,
            const std::string& reason, Fields& fields) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  const bool holds = value->kind == Value::Kind::kList || value->kind == Value::Kind::kMap;
  if (holds ? value->items.empty() : value->text.empty() || value->text == usual) return;
  fields.warn(*value, (value->text.empty() ? "" : "'" + value->text + "': ") + reason);
}

/// "fd00::1", "[fd00::1]:1179", "10.0.0.1", "10.0.0.1:1179".
void read_peer_address(const Value& value, Fields& fields, BgpPeer& peer) {
  const auto text = fields.string(value);
  if (!text) return;
  std::string_view host = *text;
  std::optional<std::string_view> port;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end != std::string_view::npos && host.substr(end + 1).starts_with(':'))
      port = host.substr(end + 2);
    host = host.substr(1, end == std::string_view::npos ? end : end - 1);
    if (!port) host = *text;  // brackets are for a port
  } else if (const auto colon = host.find(':');
             colon != std::string_view::npos && colon == host.rfind(':')) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  const auto address = IpAddress::parse(host);
  const auto number = parse_number<std::uint16_t>(port.value_or("0")).value_or(0);
  if (!address || (port && number == 0)) {
    fields.error(value, "'" + *text +
                            "' is not an address, nor one with a port such as "
                            "10.0.0.1:1179 or [fd00::1]:1179");
    return;
  }
  if (address->is_v6() && address->v6().is_link_local()) {
    fields.error(value, "'" + *text + "' is link-local, and the object cannot name a device; " +
                            "list this peer in the agent's own settings");
    return;
  }
  peer.address = *address;
  peer.port = number;
}

/// Whose peer, and who.
void read_ends(const Value& spec, Fields& fields, BgpPeer& peer) {
  if (const auto* node = fields.optional(spec, "node"); node != nullptr && !node->text.empty()) {
    peer.node = fields.name(*node).value_or("");
  }
  peer.node_selector = read_selector(spec, "nodeSelector", fields);
  peer.peer_selector = read_selector(spec, "peerSelector", fields);
  peer.asn = read_asn(spec, fields).value_or(0);
  const auto* address = fields.optional(spec, "peerIP");
  if (address != nullptr && address->text.empty()) address = nullptr;
  if (address != nullptr) read_peer_address(*address, fields, peer);
  if (!peer.node.empty() && peer.node_selector)
    fields.error(*spec.find("nodeSelector"), "is given beside node: only one of the two");
  if (fields.failed()) return;
  if (peer.peer_selector && (address != nullptr || peer.asn != 0)) {
    fields.error(*spec.find("peerSelector"),
                 "is given beside peerIP or asNumber: the nodes' own count");
  } else if (!peer.peer_selector && address == nullptr) {
    fields.error(spec, "neither peerIP nor peerSelector: there is nobody to talk to");
  }
}

void read_next_hop(const Value& spec, Fields& fields, BgpPeer& peer) {
  peer.keep_next_hop = read_bool(spec, "keepOriginalNextHop", fields).value_or(false);
  const auto* mode = fields.optional(spec, "nextHopMode");
  if (mode == nullptr) return;
  enum class Mode : std::uint8_t { kAuto, kSelf, kKeep };
  const auto read = fields.word<Mode>(
      *mode, {{"Auto", Mode::kAuto}, {"Self", Mode::kSelf}, {"Keep", Mode::kKeep}});
  peer.next_hop_self = read == Mode::kSelf;
  peer.keep_next_hop = peer.keep_next_hop || read == Mode::kKeep;
}

constexpr std::array<std::string_view, 20> kPeerFields = {"node",
                                                          "nodeSelector",
                                                          "peerIP",
                                                          "asNumber",
                                                          "peerSelector",
                                                          "keepOriginalNextHop",
                                                          "nextHopMode",
                                                          "password",
                                                          "sourceAddress",
                                                          "maxRestartTime",
                                                          "ttlSecurity",
                                                          "filters",
                                                          "reversePeering",
                                                          "failureDetectionMode",
                                                          "restartMode",
                                                          "numAllowedLocalASNumbers",
                                                          "reachableBy",
                                                          "localASNumber",
                                                          "localWorkloadSelector",
                                                          "birdGatewayMode"};

void read_unsupported(const Value& spec, Fields& fields) {
  refuse(spec, "failureDetectionMode", "None",
         "there is no BFD here: a peer that is silent is noticed by the hold time", fields);
  refuse(spec, "restartMode", "GracefulRestart",
         "there is no long-lived graceful restart here; the ordinary one (RFC 4724) is used",
         fields);
  refuse(spec, "numAllowedLocalASNumbers", "0",
         "routes with this node's own AS in their path are loops (RFC 4271 section 9.1.2) and "
         "stay rejected",
         fields);
  refuse(spec, "reachableBy", "",
         "routes to peers are the underlay's to find; give the node a static route", fields);
  refuse(spec, "localASNumber", "", "the session shows the node's own AS number", fields);
  refuse(spec, "birdGatewayMode", "Recursive", "it is about BIRD, which does not speak here",
         fields);
}

struct NamedCommunities {
  std::map<std::string, std::string> values;
};

/// The communities that `map` gives names to.
NamedCommunities read_names(const Value& spec, Fields& fields) {
  NamedCommunities names;
  const auto* value = fields.optional(spec, "communities");
  const auto* entries = value == nullptr ? nullptr : fields.list(*value);
  if (entries == nullptr) return names;
  for (const auto& entry : *entries) {
    const auto* name = fields.required(entry, "name");
    const auto* text = fields.required(entry, "value");
    if (name == nullptr || text == nullptr) continue;
    if (const auto community = read_community(*text, fields))
      names.values.insert_or_assign(name->text, *community);
  }
  return names;
}

void read_advertisements(const Value& spec, Fields& fields, BgpConfiguration& configuration) {
  const auto names = read_names(spec, fields);
  const auto* value = fields.optional(spec, "prefixAdvertisements");
  const auto* entries = value == nullptr ? nullptr : fields.list(*value);
  if (entries == nullptr) return;
  auto& advertisements = configuration.advertisements.emplace();
  for (const auto& entry : *entries) {
    const auto* cidr = fields.required(entry, "cidr");
    const auto prefix = cidr == nullptr ? std::nullopt : fields.prefix(*cidr);
    const auto* communities = fields.optional(entry, "communities");
    const auto* wanted = communities == nullptr ? nullptr : fields.list(*communities);
    if (!prefix || wanted == nullptr) continue;
    PrefixAdvertisement advertisement{.prefix = *prefix};
    for (const auto& one : *wanted) {
      const auto named = names.values.find(one.text);
      const auto community =
          named != names.values.end() ? std::optional(named->second) : read_community(one, fields);
      if (community) advertisement.communities.push_back(*community);
    }
    advertisements.push_back(std::move(advertisement));
  }
}

}  // namespace

std::optional<std::string> read_community(const Value& value, Fields& fields) {
  const auto text = fields.string(value);
  if (!text) return std::nullopt;
  std::size_t parts = 0;
  bool numbers = true;
  bool halves = true;
  for (std::size_t from = 0; from <= text->size(); ++parts) {
    const auto end = std::min(text->find(':', from), text->size());
    const auto part = std::string_view(*text).substr(from, end - from);
    numbers = numbers && parse_number<std::uint32_t>(part);
    halves = halves && parse_number<std::uint16_t>(part);
    from = end + 1;
  }
  if (numbers && ((parts == 2 && halves) || parts == 3)) return text;
  fields.error(value, "'" + *text + "' is not a community such as 64512:100 or 64512:1:2");
  return std::nullopt;
}

void read_bgp_configuration(const Value& root, Fields& fields, Object& object) {
  const bool of_node = object.key.name.starts_with(kNodePrefix);
  if (!of_node && object.key.name != "default") {
    fields.warn(root, "is ignored: those that count are called default and node.NAME");
    return;
  }
  BgpConfiguration read;
  const auto* spec = fields.optional(root, "spec");
  if (spec != nullptr) {
    read.asn = read_asn(*spec, fields);
    read.mesh = read_bool(*spec, "nodeToNodeMeshEnabled", fields);
    if (const auto* port = fields.optional(*spec, "listenPort")) {
      if (const auto number = fields.number(*port, 1, 65535))
        read.listen_port = static_cast<std::uint16_t>(*number);
    }
    if (const auto* mode = fields.optional(*spec, "bindMode"))
      read.bind_node_address = fields.word<bool>(*mode, {{"NodeIP", true}, {"None", false}});
    read.mesh_restart_time = read_restart_time(*spec, "nodeMeshMaxRestartTime", fields);
    read.mesh_password = read_password(*spec, "nodeMeshPassword", fields);
    read_advertisements(*spec, fields, read);
    for (const auto* name : {"serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"})
      refuse(*spec, name, "", "addresses of Services are not announced here", fields);
    if (of_node) {
      for (const auto* name :
           {"nodeToNodeMeshEnabled", "nodeMeshMaxRestartTime", "nodeMeshPassword"})
        refuse(*spec, name, "", "counts in BGPConfiguration/default only", fields);
    }
  }
  if (!fields.failed()) object.bgp = std::move(read);
}

void read_bgp_peer(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return;
  fields.only(*spec, kPeerFields);
  if (const auto* pods = fields.optional(*spec, "localWorkloadSelector");
      pods != nullptr && !pods->text.empty()) {
    fields.warn(*pods, "sessions with pods are not held here: the object is left out");
    return;
  }
  BgpPeer peer{.location = object.location};
  read_ends(*spec, fields, peer);
  read_next_hop(*spec, fields, peer);
  peer.password = read_password(*spec, "password", fields);
  if (const auto* source = fields.optional(*spec, "sourceAddress")) {
    peer.use_node_address =
        fields.word<bool>(*source, {{"UseNodeIP", true}, {"None", false}}).value_or(true);
  }
  peer.restart_time = read_restart_time(*spec, "maxRestartTime", fields);
  if (const auto* hops = fields.optional(*spec, "ttlSecurity")) {
    const auto number = fields.number(*hops, 0, 254);  // 0: none
    if (number && *number != 0) peer.ttl_security_hops = static_cast<std::uint8_t>(*number);
  }
  if (const auto* filters = fields.optional(*spec, "filters")) {
    const auto* names = fields.list(*filters);
    for (std::size_t i = 0; names != nullptr && i < names->size(); ++i) {
      if (auto name = fields.name((*names)[i])) peer.filters.push_back(std::move(*name));
    }
  }
  if (const auto* reverse = fields.optional(*spec, "reversePeering")) {
    peer.reverse = fields.word<bool>(*reverse, {{"Auto", true}, {"Manual", false}}).value_or(true);
  }
  read_unsupported(*spec, fields);
  if (!fields.failed()) object.bgp = std::move(peer);
}

void read_calico_annotations(const Value& annotations, Fields& fields, Object& object) {
  CalicoNode node;
  // They are Calico's: what is wrong with them takes nothing of the Node away.
  if (const auto* asn = annotations.find(kAsnAnnotation)) {
    node.asn = parse_asn(asn->text);
    if (!node.asn) fields.warn(*asn, "'" + asn->text + "' is not an AS number; ignored");
  }
  if (const auto* id = annotations.find(kClusterIdAnnotation); id != nullptr && !id->text.empty()) {
    if (const auto read = Ipv4Address::parse(id->text)) {
      node.cluster_id = *read;
    } else {
      fields.warn(*id, "'" + id->text + "' is not written like an IPv4 address; ignored");
    }
  }
  if (const auto* text = annotations.find(kIpv6Annotation); text != nullptr) {
    const auto address =
        IpAddress::parse(std::string_view(text->text).substr(0, text->text.find('/')));
    if (address && address->is_v6()) {
      node.ipv6 = *address;
    } else {
      fields.warn(*text, "'" + text->text + "' is not an IPv6 address; ignored");
    }
  }
  if (node != CalicoNode{}) object.bgp = std::move(node);
}

void read_secret(const Value& root, Fields& fields, Object& object) {
  BgpSecret secret;
  if (const auto* data = fields.optional(root, "data")) {
    for (std::size_t i = 0; i < data->keys.size(); ++i) {
      // Secrets hold whatever programs want; only what is asked for by a BGPPeer need be readable.
      if (auto bytes = from_base64(data->items[i].text))
        secret.values.insert_or_assign(data->keys[i], std::move(*bytes));
    }
  }
  if (const auto* plain = fields.optional(root, "stringData")) {
    for (std::size_t i = 0; i < plain->keys.size(); ++i)
      secret.values.insert_or_assign(plain->keys[i], plain->items[i].text);
  }
  object.bgp = std::move(secret);
}

}  // namespace sextant::sources
