// Pods' packets that leave the cluster get an address of the node: --nat-outgoing.
//
// Masqueraded is what comes from one of this node's own pod prefixes and is not for the cluster.
// For the cluster is what leaves by sextant0 (other nodes' pods, also where a Service's translation
// chose them), what goes to this node's own pods, to a pod prefix that somebody else routes, and to
// another node's own address: the overlay carries that from the pod's address, so that the other
// node's firewall, policies and logs see the pod and not its node (docs/services.md).
//
// One chain a family, in the tables `ip sextant` and `ip6 sextant`, after the source translation of
// kube-proxy, CNI plugins and policy engines (priority 100), whose decision stands. No packet marks
// are used, so none can be taken for another's. Other nodes' pod prefixes, however many, need no
// element, their device says enough; other nodes' addresses are elements of a hash.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "dataplane/linux/netlink/socket.h"
#include "dataplane/linux/set_change.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

/// An address of the node for what leaves by a device.
struct OutgoingSource {
  std::string device;
  IpAddress address;
  friend auto operator<=>(const OutgoingSource&, const OutgoingSource&) = default;
};

/// What the host's own packets to the outside come from, where its default routes say so (`src`):
/// as where the node's address is on `lo` and its uplinks' own addresses are routed nowhere.
[[nodiscard]] std::set<OutgoingSource> preferred_sources(netlink::Socket& socket,
                                                         const std::set<std::string>& uplinks);

class Masquerade {
 public:
  // What is wanted, of both families. Nothing is written here.
  void set_own_pods(const std::vector<IpPrefix>& prefixes);
  /// Other nodes' pod prefixes that do not lead to sextant0, because somebody else routes them.
  void set_foreign_pods(const std::vector<IpPrefix>& prefixes);
  /// Other nodes' own addresses are the routes for pods only: all of them, or those that change.
  void set_routes(const std::map<overlay::RouteKey, overlay::RouteTarget>& routes);
  void change_routes(
      const std::map<overlay::RouteKey, std::optional<overlay::RouteTarget>>& routes);

  /// Of packets that leave by other devices, the kernel chooses the source among the device's
  /// addresses. True where this is news: the rules change.
  bool set_sources(std::set<OutgoingSource> sources);
  [[nodiscard]] const std::set<OutgoingSource>& sources() const { return sources_; }

  // The parts of the family's table, "ip sextant" or "ip6 sextant".
  void add_sets(NftTable& table, Family family) const;
  void add_chain(NftTable& table, Family family) const;

  /// What happened to the sets since the last call, by "ip sextant own_pods".
  [[nodiscard]] std::map<std::string, SetChange> take_changes();

 private:
  struct Tracked {
    PrefixSet elements;
    SetChange change;
  };
  struct Sets {
    Tracked own_pods, foreign_pods, node_addresses;
  };
  [[nodiscard]] Sets& of(Family family) { return family == Family::kIpv4 ? ipv4_ : ipv6_; }
  void set_node_address(const overlay::RouteKey& key, bool present);
  void become_disjoint(Tracked Sets::*set, const std::vector<IpPrefix>& prefixes);

  Sets ipv4_, ipv6_;
  std::set<OutgoingSource> sources_;
};

}  // namespace sextant::dataplane
