#include "sources/bgp/calico_peers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/result.h"

namespace sextant::bgp_source {
namespace {

using overlay::Node;
using sources::BgpConfiguration;
using sources::BgpPeer;
using sources::CalicoNode;
using sources::Severity;

constexpr std::uint32_t kDefaultAsn = 64512;  // Calico's
/// Calico takes every peer for one that may be some routers away.
constexpr std::uint8_t kMultihopTtl = 64;

/// The other end of a session.
struct Remote {
  IpAddress address;
  std::uint32_t asn = 0;
  std::uint16_t port = 0;
  std::optional<Ipv4Address> cluster_id = {};
  std::string name = {};
  bool node = true;  // of the cluster
};

struct ObjectName {
  overlay::ObjectKey key;
  overlay::Location location;
};

bool is_of_everybody(const BgpPeer& peer) { return peer.node.empty() && !peer.node_selector; }

bool is_peer_of(const BgpPeer& peer, const Node& node) {
  if (peer.node_selector) return peer.node_selector->matches(node.labels);
  return peer.node.empty() || peer.node == node.name;
}

class Composer {
 public:
  Composer(const sources::Peering& objects, const overlay::Intent& nodes, const Node& self,
           const BgpSettings& settings)
      : objects_(objects), nodes_(nodes), self_(self), settings_(settings) {}

  CalicoWishes compose() {
    wishes_.asn = asn_of(self_.name);
    wishes_.cluster_id = calico_node(self_.name).cluster_id;
    listen();
    if (const auto& own = configuration("node." + self_.name).advertisements; own) {
      wishes_.advertisements = *own;
    } else {
      wishes_.advertisements = configuration("default").advertisements.value_or(
          std::vector<sources::PrefixAdvertisement>{});
    }
    for (const bool everybodys : {true, false}) {
      for (const auto& [name, peer] : objects_.peers) {
        if (is_of_everybody(peer) == everybodys && is_peer_of(peer, self_)) add(name, peer);
      }
    }
    for (const auto& [name, peer] : objects_.peers) {
      if (peer.reverse && is_asked_by(peer)) add_askers(name, peer);
    }
    if (!settings_.mesh) add_mesh();
    return std::move(wishes_);
  }

 private:
  // ---- What the objects say of nodes
  [[nodiscard]] const CalicoNode& calico_node(const std::string& name) const {
    static const CalicoNode kNone;
    const auto found = objects_.nodes.find(name);
    return found == objects_.nodes.end() ? kNone : found->second;
  }
  [[nodiscard]] const BgpConfiguration& configuration(const std::string& name) const {
    static const BgpConfiguration kNone;
    const auto found = objects_.configurations.find(name);
    return found == objects_.configurations.end() ? kNone : found->second;
  }
  [[nodiscard]] std::uint32_t default_asn() const {
    if (settings_.speaker.asn != 0) return settings_.speaker.asn;
    return configuration("default").asn.value_or(kDefaultAsn);
  }
  [[nodiscard]] std::uint32_t asn_of(const std::string& node) const {
    if (const auto asn = calico_node(node).asn) return *asn;
    return configuration("node." + node).asn.value_or(default_asn());
  }
  [[nodiscard]] std::optional<std::uint16_t> listen_port_of(const std::string& node) const {
    const auto own = configuration("node." + node).listen_port;
    return own ? own : configuration("default").listen_port;
  }
  [[nodiscard]] std::uint16_t port_of(const std::string& node) const {
    return listen_port_of(node).value_or(settings_.calico->port);
  }
  [[nodiscard]] std::optional<IpAddress> address_of(const Node& node, Family family) const {
    const auto& calico = calico_node(node.name);
    if (family == Family::kIpv6 && calico.ipv6) return calico.ipv6;
    const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
    if (found == node.addresses.end()) return std::nullopt;
    return *found;
  }
  [[nodiscard]] bool has_address(const Node& node, const IpAddress& address) const {
    return std::ranges::count(node.addresses, address) != 0 ||
           calico_node(node.name).ipv6 == address;
  }
  /// Not a router, which SRv6Nodes may be too.
  [[nodiscard]] bool is_cluster_node(const Node& node) const {
    return node.locator || objects_.nodes.contains(node.name);
  }
  [[nodiscard]] const Node* node_with(const IpAddress& address) const {
    const auto found = std::ranges::find_if(nodes_.nodes, [&](const auto& entry) {
      return is_cluster_node(entry.second) && has_address(entry.second, address);
    });
    return found == nodes_.nodes.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::optional<Remote> remote_of(const Node& node, Family family) const {
    const auto address = address_of(node, family);
    if (!address) return std::nullopt;
    return Remote{.address = *address,
                  .asn = asn_of(node.name),
                  .port = port_of(node.name),
                  .cluster_id = calico_node(node.name).cluster_id,
                  .name = node.name};
  }

  void listen() {
    wishes_.listen = settings_.speaker.listen;
    if (!settings_.listens_by_default) return;
    auto& place = wishes_.listen.front();
    place.port = port_of(self_.name);
    const auto own = configuration("node." + self_.name).bind_node_address;
    if (own ? *own : configuration("default").bind_node_address.value_or(false))
      place.address = address_of(self_, Family::kIpv6).value_or(IpAddress());
  }

  // ---- The sessions
  void add(const std::string& name, const BgpPeer& peer) {
    const ObjectName object{{"BGPPeer", name}, peer.location};
    if (peer.peer_selector) {
      for (const auto& [other, node] : nodes_.nodes) {
        if (!is_cluster_node(node) || !peer.peer_selector->matches(node.labels)) continue;
        if (const auto remote = remote_of(node, Family::kIpv6)) add(*remote, object, &peer);
      }
      return;
    }
    Remote remote{.address = *peer.address,
                  .asn = peer.asn != 0 ? peer.asn : default_asn(),
                  .port = peer.port,
                  .name = name};
    const auto* node = node_with(remote.address);
    remote.node = node != nullptr;
    if (remote.port == 0) {
      const bool listens_as_we_do = node != nullptr && asn_of(node->name) == remote.asn;
      remote.port = listens_as_we_do ? port_of(node->name) : bgp::kBgpPort;
    }
    if (const auto* known = add(remote, object, &peer);
        known != nullptr && known->port != remote.port) {
      say(object, Severity::kWarning,
          "there is a session with " + remote.address.to_string() +
              " already, at another port; this one is left out");
    }
  }

  /// Whether the object names this node as the other end.
  [[nodiscard]] bool is_asked_by(const BgpPeer& peer) const {
    if (peer.peer_selector) return peer.peer_selector->matches(self_.labels);
    const bool mine = has_address(self_, *peer.address) &&
                      (peer.asn != 0 ? peer.asn : default_asn()) == wishes_.asn;
    return mine && (peer.port == 0 || peer.port == port_of(self_.name));
  }

  void add_askers(const std::string& name, const BgpPeer& peer) {
    const auto family = peer.address ? peer.address->family() : Family::kIpv6;
    for (const auto& [other, node] : nodes_.nodes) {
      if (!is_cluster_node(node) || !is_peer_of(peer, node)) continue;
      if (const auto remote = remote_of(node, family))
        add(*remote, {{"BGPPeer", name}, peer.location}, &peer);
    }
  }

  void add_mesh() {
    const auto& general = configuration("default");
    if (!general.mesh.value_or(true) || calico_node(self_.name).cluster_id) return;
    BgpPeer session;  // no object's: what a BGPPeer would say by itself
    session.password = general.mesh_password;
    session.restart_time = general.mesh_restart_time;
    for (const auto& [name, node] : nodes_.nodes) {
      if (!node.locator || calico_node(name).cluster_id) continue;
      if (const auto remote = remote_of(node, Family::kIpv6))
        add(*remote, {{"BGPConfiguration", "default"}, "BGP"}, &session);
    }
  }

  /// Null where the session is new, or none; else the one that there is.
  const bgp::PeerConfig* add(const Remote& remote, const ObjectName& object, const BgpPeer* said) {
    if (has_address(self_, remote.address)) return nullptr;
    const auto prefix = IpPrefix::host(remote.address);
    if (std::ranges::count(settings_.speaker.peers, prefix, &bgp::PeerConfig::address) != 0)
      return nullptr;  // the file's word is the last
    const auto known = std::ranges::find(wishes_.peers, prefix, &bgp::PeerConfig::address);
    if (known != wishes_.peers.end()) return &*known;
    auto peer = *settings_.calico;
    peer.address = prefix;
    peer.remote_as = remote.asn;
    peer.port = remote.port;
    if (peer.description.empty()) peer.description = remote.name;
    shape(remote, *said, peer);
    if (!take_password(object, *said, peer)) return nullptr;
    take_filters(object, *said, peer);
    if (const auto valid = bgp::validate(peer); !valid) {
      say(object, Severity::kError, "no session: " + valid.error().message());
      return nullptr;
    }
    wishes_.peers.push_back(std::move(peer));
    return nullptr;
  }

  void shape(const Remote& remote, const BgpPeer& said, bgp::PeerConfig& peer) const {
    const bool internal = remote.asn == wishes_.asn;
    const auto& own_cluster = wishes_.cluster_id;
    if (own_cluster && remote.cluster_id != own_cluster) peer.route_reflector_client = internal;
    if (said.ttl_security_hops) {
      peer.gtsm_hops = said.ttl_security_hops;
      peer.ttl.reset();
    } else if (!internal && !peer.gtsm_hops && !peer.ttl) {
      peer.ttl = kMultihopTtl;
    }
    if (said.use_node_address && !peer.local_address)
      peer.local_address = address_of(self_, remote.address.family());
    if (said.restart_time) peer.graceful_restart.restart_time = *said.restart_time;
    if (internal && !remote.node && settings_.calico_tells_injectors)
      peer.families.push_back({.family = bgp::kLinkState});
    for (auto& family : peer.families) {
      family.next_hop_self = family.next_hop_self || said.next_hop_self;
      family.keep_next_hop = family.keep_next_hop || said.keep_next_hop;
    }
  }

  [[nodiscard]] bool take_password(const ObjectName& object, const BgpPeer& said,
                                   bgp::PeerConfig& peer) {
    if (!said.password) return true;
    const auto secret = objects_.secrets.find(said.password->name);
    if (secret != objects_.secrets.end()) {
      const auto value = secret->second.values.find(said.password->key);
      if (value != secret->second.values.end() && !value->second.empty()) {
        peer.md5_password = value->second;
        return true;
      }
    }
    say(object, Severity::kError,
        "no session with " + peer.address.address().to_string() +
            ": its password is not to be had (Secret " + said.password->name + ", key " +
            said.password->key + ")");
    return false;
  }

  void take_filters(const ObjectName& object, const BgpPeer& said, bgp::PeerConfig& peer) {
    for (const auto& name : said.filters) {
      const auto filter = objects_.filters.find(name);
      if (filter == objects_.filters.end()) {
        say(object, Severity::kWarning, "there is no BGPFilter '" + name + "'");
        continue;
      }
      append(name, filter->second.import_rules, peer, peer.import_filter);
      append(name, filter->second.export_rules, peer, peer.export_filter);
    }
  }

  void append(const std::string& name, const std::vector<sources::BgpFilterRule>& rules,
              const bgp::PeerConfig& peer, bgp::RouteFilter& filter) const {
    for (const auto& rule : rules) {
      if (rule.external && *rule.external != (peer.remote_as != wishes_.asn)) continue;
      const auto everything = rule.family == Family::kIpv4 ? IpPrefix(IpAddress(Ipv4Address()), 0)
                                                           : IpPrefix(IpAddress(Ipv6Address()), 0);
      bgp::FilterRule made{.accept = rule.accept,
                           .name = name,
                           .within = rule.within.value_or(everything),
                           .outside = rule.outside,
                           .min_length = rule.min_length,
                           .max_length = rule.max_length};
      for (const auto& community : rule.communities) {
        if (const auto standard = bgp::community_of(community)) {
          made.communities.push_back(*standard);
        } else if (const auto large = bgp::large_community_of(community)) {
          made.large_communities.push_back(*large);
        }
      }
      filter.rules.push_back(std::move(made));
    }
  }

  void say(const ObjectName& object, Severity severity, std::string reason) {
    sources::Finding finding{severity, {object.key, object.location, std::move(reason)}};
    if (std::ranges::find(wishes_.findings, finding) == wishes_.findings.end())
      wishes_.findings.push_back(std::move(finding));
  }

  const sources::Peering& objects_;
  const overlay::Intent& nodes_;
  const Node& self_;
  const BgpSettings& settings_;
  CalicoWishes wishes_;
};

}  // namespace

CalicoWishes calico_wishes(const sources::Peering& objects, const overlay::Intent& nodes,
                           const Node& self, const BgpSettings& settings) {
  return Composer(objects, nodes, self, settings).compose();
}

}  // namespace sextant::bgp_source
