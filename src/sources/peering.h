// What objects say of BGP sessions, as read: Calico's BGPConfiguration, BGPPeer and BGPFilter, what
// it annotates Nodes with, and the Secrets of passwords.
//
// Flow: reader (calico_bgp_readers.cpp) -> Object::bgp -> Peering -> the BGP source, which makes
// the peers of its node from it. Plain values: nothing here knows of BGP itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "overlay/intent.h"
#include "sources/selector.h"

namespace sextant::sources {

/// A password's place: a key of a Secret.
struct SecretKey {
  std::string name, key;
  friend bool operator==(const SecretKey&, const SecretKey&) = default;
};

/// Of a Node's annotations projectcalico.org/...
struct CalicoNode {
  std::optional<std::uint32_t> asn = {};
  std::optional<Ipv4Address> cluster_id = {};  // it reflects routes (RFC 4456)
  std::optional<IpAddress> ipv6 = {};          // of its sessions
  friend bool operator==(const CalicoNode&, const CalicoNode&) = default;
};

/// Routes within the prefix carry the communities, each as "64512:100" or "64512:1:2".
struct PrefixAdvertisement {
  IpPrefix prefix;
  std::vector<std::string> communities = {};
  friend bool operator==(const PrefixAdvertisement&, const PrefixAdvertisement&) = default;
};

struct BgpConfiguration {
  std::optional<std::uint32_t> asn = {};
  std::optional<bool> mesh = {};
  std::optional<std::uint16_t> listen_port = {};
  std::optional<bool> bind_node_address = {};
  std::optional<std::chrono::seconds> mesh_restart_time = {};
  std::optional<SecretKey> mesh_password = {};
  std::optional<std::vector<PrefixAdvertisement>> advertisements = {};
  friend bool operator==(const BgpConfiguration&, const BgpConfiguration&) = default;
};

struct BgpPeer {
  overlay::Location location;
  // Whose peer it is: of `node`, of those that `node_selector` chooses, or of all.
  std::string node = {};
  std::optional<Selector> node_selector = {};
  // Who it is: an address, or the nodes that `peer_selector` chooses.
  std::optional<IpAddress> address = {};
  std::uint16_t port = 0;  // 0: not given
  std::uint32_t asn = 0;   // 0: not given
  std::optional<Selector> peer_selector = {};

  bool keep_next_hop = false;
  bool next_hop_self = false;
  bool use_node_address = true;  // the session starts at the node's own address
  bool reverse = true;           // the nodes that it chooses peer back by themselves
  std::optional<SecretKey> password = {};
  std::optional<std::chrono::seconds> restart_time = {};
  std::optional<std::uint8_t> ttl_security_hops = {};
  std::vector<std::string> filters = {};
  friend bool operator==(const BgpPeer&, const BgpPeer&) = default;
};

struct BgpFilterRule {
  bool accept = true;
  Family family = Family::kIpv6;
  std::optional<IpPrefix> within = {};  // none: all of the family
  bool outside = false;                 // those that are not within it
  std::uint8_t min_length = 0, max_length = 0;
  std::optional<bool> external = {};  // only with peers of another AS, or only of the same
  std::vector<std::string> communities = {};
  friend bool operator==(const BgpFilterRule&, const BgpFilterRule&) = default;
};

struct BgpFilter {
  std::vector<BgpFilterRule> import_rules = {}, export_rules = {};
  friend bool operator==(const BgpFilter&, const BgpFilter&) = default;
};

struct BgpSecret {
  std::map<std::string, std::string> values = {};
  friend bool operator==(const BgpSecret&, const BgpSecret&) = default;
};

using BgpPart = std::variant<CalicoNode, BgpConfiguration, BgpPeer, BgpFilter, BgpSecret>;

/// All of them, by the objects' names.
struct Peering {
  std::map<std::string, CalicoNode> nodes = {};
  std::map<std::string, BgpConfiguration> configurations = {};
  std::map<std::string, BgpPeer> peers = {};
  std::map<std::string, BgpFilter> filters = {};
  std::map<std::string, BgpSecret> secrets = {};

  /// Names of the Secrets whose passwords sessions ask for.
  [[nodiscard]] std::set<std::string> wanted_secrets() const;
  void set(const std::string& name, const BgpPart& part);
  void erase(const std::string& name, const BgpPart& part);
  friend bool operator==(const Peering&, const Peering&) = default;
};

}  // namespace sextant::sources
