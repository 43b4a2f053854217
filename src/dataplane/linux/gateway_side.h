// The gateway's side of the data plane: which segment list each prefix takes, and what the node's
// SIDs do.
//
// Main table: overlay prefixes by nexthop id; SIDs as seg6local routes; the own locator
// unreachable; everything else that is IPv6 (outer packets) to the host. Inner packets that a SID
// delivers go to the host without another look at the prefixes.
#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/fast_path.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/held_routes.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/nexthops.h"
#include "dataplane/linux/seg6.h"
#include "dataplane/linux/writes.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

class GatewaySide {
 public:
  using Identity = overlay::ForwardingDiff::Identity;

  GatewaySide(Gateway& gateway, srv6::EncapMode encap) : gateway_(gateway), encap_(encap) {}
  /// Keeps `fast_path` (or nobody) as the gateway's prefixes, nexthops and SIDs are; it outlives
  /// this.
  void mirror_to(FastPath* fast_path) {
    fast_path_ = fast_path;
    nexthops_.set_mirror(fast_path);
  }

  /// Reads all, adopts what is there, and writes what differs: nothing that `wanted` needs less is
  /// removed yet.
  [[nodiscard]] Result<void> sync(const overlay::Forwarding& wanted, ApplyReport& report);
  void set_path(const overlay::PathKey& key, const overlay::Path& path, Writes& writes);
  /// `captured`: the prefix is (still) a kAll route too; both scopes share the gateway's table, and
  /// kAll decides.
  void set_route(const overlay::RouteKey& key, const overlay::RouteTarget& target, bool captured,
                 Writes& writes);
  void remove_route(const overlay::RouteKey& key, bool captured, Writes& writes);
  void remove_path(const overlay::PathKey& key) { nexthops_.remove(key); }
  /// Before routes leave a path that will be removed.
  void hold_path(const overlay::PathKey& key, Writes& writes);
  /// All SIDs, addresses and base routes: small, so always as a whole.
  [[nodiscard]] Result<void> sync_local(const Identity& identity,
                                        const std::map<srv6::Sid, overlay::LocalSid>& sids,
                                        ApplyReport& report);
  /// Removes what sync(), sync_local() and the remove_* left behind; when nothing leads there any
  /// more.
  void collect(ApplyReport& report);

  [[nodiscard]] Result<Counters> counters();

 private:
  struct SidRoute {  // where a SID's seg6local route lies, and what it does
    srv6::Sid sid;
    netlink::TableId table = netlink::TableId::kMain;
    friend auto operator<=>(const SidRoute&, const SidRoute&) = default;
  };
  struct Tables {  // what the kernel has
    std::unordered_map<IpPrefix, netlink::NexthopId> by_nexthop;
    std::map<SidRoute, Seg6Local> sids;
    std::vector<netlink::Route> plain;
  };

  [[nodiscard]] Result<Tables> read();
  [[nodiscard]] std::vector<netlink::Route> base_routes(const Identity& identity) const;
  void remove_prefix(const IpPrefix& prefix, ApplyReport& report);
  void hold(netlink::NexthopId nexthop, Writes& writes);
  [[nodiscard]] netlink::Message prefix_message(const IpPrefix& prefix,
                                                netlink::NexthopId nexthop) const;
  [[nodiscard]] std::vector<WeightedNexthop> contents(const overlay::PathKey& key,
                                                      const overlay::Path& path) const;
  void adopt(const overlay::Forwarding& wanted, const Tables& tables);
  void write_prefixes(const overlay::Forwarding& wanted, Tables& tables, ApplyReport& report);
  [[nodiscard]] Result<void> sync_local(const Identity& identity,
                                        const std::map<srv6::Sid, overlay::LocalSid>& sids,
                                        Tables& tables, ApplyReport& report);
  [[nodiscard]] std::map<SidRoute, Seg6Local> wanted_sids(
      const std::map<srv6::Sid, overlay::LocalSid>& sids) const;
  [[nodiscard]] Result<void> sync_inner_ipv4(const std::map<srv6::Sid, overlay::LocalSid>& sids,
                                             ApplyReport& report);
  [[nodiscard]] Result<void> sync_addresses(const Identity& identity, ApplyReport& report);

  Gateway& gateway_;
  srv6::EncapMode encap_;
  FastPath* fast_path_ = nullptr;
  Nexthops nexthops_;
  HeldRoutes held_;
  std::map<IpPrefix, overlay::RouteTarget>
      pods_only_;                     // kPods routes, which share the table with kAll
  std::set<srv6::Sid> grouped_sids_;  // End.B6.Encaps with several lists: by nexthop id
  // What sync_local() made so last: an edit of one SID does not read all prefixes again.
  std::map<SidRoute, Seg6Local> installed_sids_;
  std::vector<netlink::Route> installed_plain_;
  std::vector<netlink::Message> leftovers_;  // deletions for collect()
  std::set<IpPrefix> leftover_prefixes_;     // overlay prefixes that go with it
};

/// The behaviors that the host's routing executes, not the gateway: they choose an adjacency
/// (End.X).
[[nodiscard]] bool is_host_behavior(srv6::Behavior behavior);

}  // namespace sextant::dataplane
