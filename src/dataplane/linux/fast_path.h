// Short cuts past the gateway for what every packet does: BPF programs of tc (fast_path.bpf.c) that
// encapsulate at sextant0, hand outer packets over to the gateway without a queue, and decapsulate
// there.
//
// The gateway's kernel stays the truth: its nexthops, routes and SIDs are all there, and whatever a
// short cut does not know or cannot do takes that way. The maps mirror it under the kernel's own
// nexthop ids; an entry that cannot be written is removed, never left stale. Programs and maps
// live in the kernel, held by the devices they are attached to: a restart finds them there, and
// an upgrade exchanges the programs and keeps the maps.
//
// Flow: GatewaySide, Nexthops -> set_*() -> maps. One thread, the agent's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/bpf_map.h"
#include "dataplane/linux/fast_path_abi.h"
#include "dataplane/linux/filter.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/seg6.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

class FastPath {
 public:
  struct Share {  // of a path's flows
    netlink::NexthopId list;
    std::uint32_t weight = 1;  // at least 1
  };

  /// Loads the programs, with the maps of an earlier agent's where sextant0 (`host_inner`) has one.
  /// Error: the kernel lacks something; the gateway does without.
  [[nodiscard]] static Result<FastPath> make(netlink::IfIndex host_inner);
  /// Removes the programs from every device of the calling thread's namespace but `keep` and the
  /// links to the gateway, with which theirs go.
  [[nodiscard]] static Result<void> detach_uplinks(netlink::Socket& host,
                                                   const std::set<netlink::IfIndex>& keep,
                                                   ApplyReport& report);

  /// Attaches the programs wherever they are not: after the maps are filled. False where an uplink
  /// takes none: nftables then hands over, and pods need a routing rule to reach other nodes.
  [[nodiscard]] bool attach(const Gateway& gateway, const std::set<Uplink>& uplinks,
                            ApplyReport& report);

  /// How many of the programs are at their devices.
  [[nodiscard]] static std::size_t attached(const Gateway& gateway,
                                            const std::set<Uplink>& uplinks);

  /// From here to finish_sync(), calls of set_*() write only what the maps do not have;
  /// finish_sync() removes what was not set.
  [[nodiscard]] Result<void> begin_sync();
  void finish_sync(ApplyReport& report);

  /// Of the outer headers; changes those of lists set before.
  void set_source(const Ipv6Address& source, ApplyReport& report);
  void set_list(netlink::NexthopId id, Family inner, const Seg6Encap& encap, ApplyReport& report);
  void set_path(netlink::NexthopId id, const std::vector<Share>& shares, ApplyReport& report);
  void remove_list(netlink::NexthopId id, ApplyReport& report);
  void remove_path(netlink::NexthopId id, ApplyReport& report);
  /// Prefixes are written some thousands at a time, the rest by flush().
  void set_prefix(const IpPrefix& prefix, netlink::NexthopId path, ApplyReport& report);
  void remove_prefix(const IpPrefix& prefix, ApplyReport& report);
  void flush(ApplyReport& report);

  /// What is handed over to the gateway: packets to its SIDs from nodes and routers of the domain.
  /// nftables decides about the others.
  void set_hand_over(netlink::IfIndex host_outer, const FilterInput& input, ApplyReport& report);
  /// Other nodes' own addresses, where pods' packets go by the overlay.
  void set_pod_routes(netlink::IfIndex host_inner,
                      const std::map<overlay::RouteKey, overlay::RouteTarget>& routes,
                      const std::vector<IpPrefix>& own_pods, ApplyReport& report);
  void change_pod_route(netlink::IfIndex host_inner, const overlay::RouteKey& key,
                        const std::optional<overlay::RouteTarget>& target, ApplyReport& report);
  /// What is decapsulated; `inner` is the gateway's link to the host.
  void set_local_sids(netlink::IfIndex inner, const std::map<srv6::Sid, overlay::LocalSid>& sids,
                      ApplyReport& report);

  /// Of a path whose lists are `lists` now.
  [[nodiscard]] PathCount path_count(netlink::NexthopId path,
                                     const std::vector<netlink::NexthopId>& lists) const;
  [[nodiscard]] std::map<srv6::Sid, Count> sid_counts() const;

 private:
  using PrefixEntry = std::pair<sx_prefix, std::uint32_t>;

  FastPath() = default;
  [[nodiscard]] Result<void> load(int present_program);
  [[nodiscard]] Count list_count(std::uint32_t list) const;
  void retire(std::uint32_t path, const sx_path& before, const sx_path& after);
  void forget_list(std::uint32_t list, ApplyReport& report);
  void forget_path(std::uint32_t path, ApplyReport& report);

  UniqueFd encapsulate_, to_overlay_, to_gateway_, decapsulate_;
  BpfMap<sx_prefix, std::uint32_t> prefixes_, gateway_sids_, own_pods_;
  BpfMap<std::uint32_t, sx_path> paths_;
  BpfMap<std::uint32_t, sx_list> lists_;
  BpfMap<std::uint32_t, sx_count> list_counts_, retired_;
  BpfMap<sx_sid, std::uint32_t> nodes_, pod_routes_;
  BpfMap<sx_sid, sx_delivery> deliveries_;
  BpfMap<sx_sid, sx_count> sid_counts_;
  std::size_t cpus_ = 1;
  Ipv6Address source_;

  std::vector<sx_prefix> prefix_keys_;  // to be written
  std::vector<std::uint32_t> prefix_paths_;
  struct Sync {                         // what was there and has not been set yet
    std::vector<PrefixEntry> prefixes;  // sorted; path 0: set
    std::set<std::uint32_t> paths, lists;
  };
  std::optional<Sync> sync_;
};

}  // namespace sextant::dataplane
