#include "sources/bgp/settings.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "sources/fields.h"
#include "sources/yaml.h"

namespace sextant::bgp_source {
namespace {

using bgp::ConnectMode;
using bgp::PeerConfig;
using bgp::SrPolicyDialect;
using sources::Fields;
using sources::Value;

constexpr std::int64_t kMaxAsn = 0xffffffff;
constexpr std::int64_t kMaxPort = 65535;
constexpr std::int64_t kMaxSeconds = 86400;
constexpr std::string_view kReading = "read BGP configuration";

template <typename T>
void number(Fields& fields, const Value& map, std::string_view name, std::int64_t lowest,
            std::int64_t highest, T& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  if (const auto read = fields.number(*value, lowest, highest)) to = static_cast<T>(*read);
}

void octet(Fields& fields, const Value& map, std::string_view name, std::int64_t lowest,
           std::int64_t highest, std::optional<std::uint8_t>& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  if (const auto read = fields.number(*value, lowest, highest))
    to = static_cast<std::uint8_t>(*read);
}

void seconds(Fields& fields, const Value& map, std::string_view name, std::chrono::seconds& to,
             std::int64_t lowest = 0) {
  auto count = to.count();
  number(fields, map, name, lowest, kMaxSeconds, count);
  to = std::chrono::seconds(count);
}

void boolean(Fields& fields, const Value& map, std::string_view name, bool& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  if (value->kind != Value::Kind::kBool) {
    fields.error(*value, "is neither true nor false");
  } else {
    to = value->text == "true";
  }
}

void text(Fields& fields, const Value& map, std::string_view name, std::string& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  if (auto read = fields.string(*value)) to = std::move(*read);
}

void address(Fields& fields, const Value& map, std::string_view name,
             std::optional<IpAddress>& to) {
  const auto* value = fields.optional(map, name);
  if (value != nullptr) to = fields.address(*value);
}

/// Identifiers are written as IPv4 addresses (RFC 4271 section 4.2).
void identifier(Fields& fields, const Value& map, std::string_view name,
                std::optional<Ipv4Address>& to) {
  const auto* value = fields.optional(map, name);
  const auto read = value == nullptr ? std::nullopt : fields.address(*value);
  if (!read) return;
  if (!read->is_v4()) {
    fields.error(*value, "'" + value->text + "' is not written like an IPv4 address");
  } else {
    to = read->v4();
  }
}

void password(Fields& fields, const Value& map, std::string& to) {
  const auto* value = fields.optional(map, "passwordFile");
  const auto path = value == nullptr ? std::nullopt : fields.string(*value);
  if (!path) return;
  std::ifstream file(*path, std::ios::binary);
  std::string line;
  // getline() of a folder fails, too.
  if (!file || !std::getline(file, line) || line.empty()) {
    fields.error(*value, "no password can be read from '" + *path + "'");
  } else {
    to = std::move(line);
  }
}

void community(Fields& fields, const Value& value, bgp::FilterRule& rule) {
  const auto name = fields.string(value);
  if (!name) return;
  if (const auto standard = bgp::community_of(*name)) {
    rule.communities.push_back(*standard);
  } else if (const auto large = bgp::large_community_of(*name)) {
    rule.large_communities.push_back(*large);
  } else {
    fields.error(value,
                 "'" + *name + "' is not a community such as 64512:100, 64512:1:2, no-export");
  }
}

void filter(Fields& fields, const Value& map, std::string_view name, bgp::RouteFilter& to) {
  const auto* value = fields.optional(map, name);
  if (value == nullptr) return;
  to = {};
  fields.only(*value, {"rules", "default"});
  const auto action = [&](const Value& in, std::string_view field, bool otherwise) {
    const auto* found = fields.optional(in, field);
    if (found == nullptr) return otherwise;
    return fields.word<bool>(*found, {{"Accept", true}, {"Reject", false}}).value_or(otherwise);
  };
  to.accept_others = action(*value, "default", true);
  const auto* rules = fields.optional(*value, "rules");
  const auto* entries = rules == nullptr ? nullptr : fields.list(*rules);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    auto& rule = to.rules.emplace_back();
    fields.only(entry, {"name", "action", "within", "minLength", "maxLength", "communities"});
    text(fields, entry, "name", rule.name);
    if (fields.required(entry, "action") != nullptr) rule.accept = action(entry, "action", true);
    if (const auto* within = fields.optional(entry, "within")) rule.within = fields.prefix(*within);
    octet(fields, entry, "minLength", 0, 128, rule.min_length);
    octet(fields, entry, "maxLength", 0, 128, rule.max_length);
    const auto* communities = fields.optional(entry, "communities");
    const auto* names = communities == nullptr ? nullptr : fields.list(*communities, 1);
    if (names == nullptr) continue;
    for (const auto& one : *names) community(fields, one, rule);
  }
}

/// What holds where a peer says nothing else.
struct Defaults {
  std::uint32_t asn = 0;
  const std::vector<bgp::Family>& families;
};

std::vector<bgp::Family> wanted_families(Fields& fields, const Value& map,
                                         std::vector<bgp::Family> usual) {
  const auto* value = fields.optional(map, "families");
  const auto* names = value == nullptr ? nullptr : fields.list(*value, 1);
  if (names == nullptr) return usual;
  std::vector<bgp::Family> wanted;
  for (const auto& name : *names) {
    const auto read = fields.string(name);
    const auto family = read ? bgp::family_of(*read) : std::nullopt;
    if (read && !family) {
      fields.error(name, "'" + *read + "' is no family; there are ipv4-unicast, ipv6-unicast, " +
                             "ipv4-vpn, ipv6-vpn, ipv4-srpolicy, ipv6-srpolicy and link-state");
    }
    if (family) wanted.push_back(*family);
  }
  return wanted.empty() ? usual : wanted;  // only after an error
}

/// Families with a maximum for each where it is given.
void families(Fields& fields, const Value& map, const Defaults& defaults, PeerConfig& peer) {
  bgp::MaxPrefixes most;
  if (const auto* limit = fields.optional(map, "maxPrefixes")) {
    fields.only(*limit, {"limit", "warnPercent", "restartSeconds"});
    if (fields.required(*limit, "limit") != nullptr) {
      number(fields, *limit, "limit", 1, kMaxAsn, most.limit);
    }
    number(fields, *limit, "warnPercent", 0, 100, most.warn_percent);
    seconds(fields, *limit, "restartSeconds", most.restart);
  }
  bool next_hop_self = false;
  boolean(fields, map, "nextHopSelf", next_hop_self);
  auto usual = defaults.families;
  // How policies fare is for the own AS's eyes. A peer that does not know the family never sees it.
  if (peer.remote_as == defaults.asn) usual.push_back(bgp::kLinkState);
  for (const auto family : wanted_families(fields, map, std::move(usual))) {
    // The tunnels end at IPv6 addresses, so routes of IPv4 have IPv6 next hops (RFC 8950).
    const bool extended = family.afi == bgp::Afi::kIpv4 && family.safi != bgp::Safi::kSrPolicy;
    peer.families.push_back({.family = family,
                             .max_prefixes = most,
                             .extended_next_hop = extended,
                             .next_hop_self = next_hop_self});
  }
}

void graceful_restart(Fields& fields, const Value& map, bgp::GracefulRestartConfig& to) {
  const auto* value = fields.optional(map, "gracefulRestart");
  if (value == nullptr) return;
  fields.only(*value, {"enabled", "restartSeconds", "staleSeconds"});
  boolean(fields, *value, "enabled", to.enabled);
  seconds(fields, *value, "restartSeconds", to.restart_time);
  seconds(fields, *value, "staleSeconds", to.stale_time);
}

constexpr std::array<std::string_view, 20> kCommonFields = {"description",
                                                            "asn",
                                                            "port",
                                                            "localAddress",
                                                            "device",
                                                            "passwordFile",
                                                            "ttl",
                                                            "ttlSecurityHops",
                                                            "mode",
                                                            "convention",
                                                            "holdSeconds",
                                                            "connectRetrySeconds",
                                                            "routeReflectorClient",
                                                            "enforceFirstAS",
                                                            "families",
                                                            "maxPrefixes",
                                                            "nextHopSelf",
                                                            "gracefulRestart",
                                                            "import",
                                                            "export"};

/// What a peer and the mesh have in common.
void common(Fields& fields, const Value& map, const Defaults& defaults, PeerConfig& peer) {
  peer.remote_as = defaults.asn;
  text(fields, map, "description", peer.description);
  number(fields, map, "asn", 1, kMaxAsn, peer.remote_as);
  number(fields, map, "port", 1, kMaxPort, peer.port);
  address(fields, map, "localAddress", peer.local_address);
  text(fields, map, "device", peer.device);
  password(fields, map, peer.md5_password);
  octet(fields, map, "ttlSecurityHops", 1, 254, peer.gtsm_hops);
  octet(fields, map, "ttl", 1, 255, peer.ttl);
  if (const auto* value = fields.optional(map, "mode")) {
    peer.mode = fields
                    .word<ConnectMode>(*value, {{"Both", ConnectMode::kBoth},
                                                {"Active", ConnectMode::kActive},
                                                {"Passive", ConnectMode::kPassive}})
                    .value_or(ConnectMode::kBoth);
  }
  if (const auto* value = fields.optional(map, "convention")) {
    peer.dialect =
        fields
            .word<SrPolicyDialect>(*value, {{"Standard", SrPolicyDialect::kStandard},
                                            {"CalicoVPP", SrPolicyDialect::kCalicoVpp},
                                            {"OldCalicoVPP", SrPolicyDialect::kOldCalicoVpp}})
            .value_or(SrPolicyDialect::kStandard);
  }
  seconds(fields, map, "holdSeconds", peer.hold_time);
  seconds(fields, map, "connectRetrySeconds", peer.connect_retry, 1);
  boolean(fields, map, "routeReflectorClient", peer.route_reflector_client);
  boolean(fields, map, "enforceFirstAS", peer.enforce_first_as);
  families(fields, map, defaults, peer);
  graceful_restart(fields, map, peer.graceful_restart);
  filter(fields, map, "import", peer.import_filter);
  filter(fields, map, "export", peer.export_filter);
}

void peers(Fields& fields, const Value& value, const Defaults& defaults,
           bgp::SpeakerConfig& speaker) {
  const auto* entries = fields.list(value);
  if (entries == nullptr) return;
  std::vector<std::string_view> known(kCommonFields.begin(), kCommonFields.end());
  known.insert(known.begin(), {"address", "maxNeighbors"});
  for (const auto& entry : *entries) {
    PeerConfig peer;
    fields.only(entry, known);
    const auto* at = fields.required(entry, "address");
    const auto prefix = at == nullptr ? std::nullopt : fields.prefix(*at);
    common(fields, entry, defaults, peer);
    number(fields, entry, "maxNeighbors", 1, kMaxPort, peer.max_dynamic);
    if (!prefix) continue;
    peer.address = *prefix;
    if (const auto fits = bgp::validate(peer); !fits) {
      fields.error(
          entry, fits.error().cause + (fits.error().hint.empty() ? "" : "; " + fits.error().hint));
    }
    speaker.peers.push_back(std::move(peer));
  }
}

void listen(Fields& fields, const Value& root, BgpSettings& settings) {
  auto& speaker = settings.speaker;
  const auto* value = fields.optional(root, "listen");
  settings.listens_by_default = value == nullptr;
  if (value == nullptr) {
    speaker.listen = {{.address = IpAddress()}};
    return;
  }
  const auto* entries = fields.list(*value);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    auto& place = speaker.listen.emplace_back();
    fields.only(entry, {"address", "port", "device"});
    if (const auto* at = fields.optional(entry, "address"))
      place.address = fields.address(*at).value_or(IpAddress());
    number(fields, entry, "port", 1, kMaxPort, place.port);
    text(fields, entry, "device", place.device);
  }
}

/// Between nodes, which inject nothing.
void leave_out_link_state(PeerConfig& peer) {
  std::erase_if(peer.families, [](const auto& each) { return each.family == bgp::kLinkState; });
}

BgpSettings read(Fields& fields, const Value& root, const std::vector<bgp::Family>& usual) {
  BgpSettings settings;
  auto& speaker = settings.speaker;
  fields.only(root, {"asn", "routerId", "clusterId", "listen", "locatorReach",
                     "restartDeferralSeconds", "mesh", "peers", "calico"});
  // Where Calico's objects count they say it too; but peers of the file need it to compare theirs.
  const auto* calico = fields.optional(root, "calico");
  if (calico == nullptr || root.find("mesh") != nullptr || root.find("peers") != nullptr)
    (void)fields.required(root, "asn");
  number(fields, root, "asn", 1, kMaxAsn, speaker.asn);
  const Defaults defaults{.asn = speaker.asn, .families = usual};
  std::optional<Ipv4Address> router_id;
  identifier(fields, root, "routerId", router_id);
  speaker.router_id = router_id.value_or(Ipv4Address());
  identifier(fields, root, "clusterId", speaker.cluster_id);
  listen(fields, root, settings);
  seconds(fields, root, "restartDeferralSeconds", speaker.restart_deferral);
  if (const auto* reach = fields.optional(root, "locatorReach")) {
    settings.reach =
        fields
            .word<overlay::LocatorReach>(*reach, {{"Fabric", overlay::LocatorReach::kFabric},
                                                  {"OnLink", overlay::LocatorReach::kOnLink}})
            .value_or(overlay::LocatorReach::kFabric);
  }
  if (const auto* mesh = fields.optional(root, "mesh")) {
    fields.only(*mesh, kCommonFields);
    auto& peer = settings.mesh.emplace();
    common(fields, *mesh, defaults, peer);
    if (fields.optional(*mesh, "families") == nullptr) leave_out_link_state(peer);
  }
  if (const auto* list = fields.optional(root, "peers")) peers(fields, *list, defaults, speaker);
  if (calico != nullptr) {
    std::vector<std::string_view> known(kCommonFields.begin(), kCommonFields.end());
    std::erase(known, "asn");
    fields.only(*calico, known);
    auto& peer = settings.calico.emplace();
    common(fields, *calico, defaults, peer);
    settings.calico_tells_injectors = fields.optional(*calico, "families") == nullptr;
    if (settings.calico_tells_injectors) leave_out_link_state(peer);
  }
  if (!settings.mesh && !settings.calico && speaker.peers.empty())
    fields.warn(root, "neither 'peers' nor 'mesh' nor 'calico': there is nobody to talk to");
  return settings;
}

Result<std::string> text_of(const std::string& path) {
  std::error_code ignored;  // what is not there is told by opening it
  if (std::filesystem::is_directory(path, ignored))
    return system_error(std::string(kReading), path, EISDIR);
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_error(std::string(kReading), path, errno);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

const std::vector<bgp::Family>& node_families() {
  static const std::vector<bgp::Family> kFamilies{bgp::kIpv4Unicast, bgp::kIpv6Unicast,
                                                  bgp::kSrPolicyIpv6};
  return kFamilies;
}

SettingsReading read_settings(std::string_view text, std::string_view source,
                              const std::vector<bgp::Family>& usual) {
  SettingsReading reading;
  const overlay::ObjectKey key{"File", std::string(source)};
  const auto documents = sources::parse_yaml(text);
  const auto fail = [&](std::uint32_t line, std::string reason) {
    reading.findings.push_back(
        {sources::Severity::kError,
         {key, std::string(source) + ":" + std::to_string(line), std::move(reason)}});
    return reading;
  };
  if (!documents) return fail(documents.error().line, documents.error().reason);
  if (documents->size() != 1) return fail(1, "not exactly one document");
  const auto& root = documents->front();
  Fields fields(root, key, source);
  if (root.kind != Value::Kind::kMap) {
    fields.error(root, std::string(to_string(root.kind)) + " where the settings' map is needed");
  } else if (auto settings = read(fields, root, usual); !fields.failed()) {
    reading.settings = std::move(settings);
  }
  reading.findings = fields.release();
  return reading;
}

Result<BgpSettings> load_settings(const std::string& path, const std::vector<bgp::Family>& usual) {
  const auto text = text_of(path);
  if (!text) return tl::unexpected(text.error());
  auto reading = read_settings(*text, path, usual);
  if (reading.settings) {
    reading.settings->warnings = std::move(reading.findings);
    return std::move(*reading.settings);
  }
  std::string causes;
  for (const auto& finding : reading.findings) {
    if (finding.severity != sources::Severity::kError) continue;
    causes +=
        (causes.empty() ? "" : "; ") + finding.problem.location + ": " + finding.problem.reason;
  }
  return failure(std::string(kReading), path, causes, "docs/reference-bgp.md lists the fields");
}

}  // namespace sextant::bgp_source
