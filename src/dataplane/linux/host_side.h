// The host's side of the data plane: what goes into the overlay, and from which address.
//
// Routes of protocol kSextant and one metric: captures (aggregated overlay prefixes through
// sextant0), unreachable and blackhole routes, locators of on-link nodes, and a table for packets
// from pods, which rules by pod prefix select. Where somebody else routes the very prefix, it is
// left alone and reported.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/capture.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/socket.h"
#include "dataplane/linux/writes.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

class HostSide {
 public:
  using Identity = overlay::ForwardingDiff::Identity;

  explicit HostSide(netlink::Socket& socket) : socket_(socket) {}

  // What is wanted. Nothing is written before sync() or write_changes().
  void set_devices(netlink::IfIndex inner, netlink::IfIndex outer, std::uint32_t pod_mtu);
  void set_identity(const Identity& identity) { identity_ = identity; }
  /// The families in which a rule and a table of their own tell pods' way to other nodes' addresses
  /// from the host's; in the others something else does (fast_path.h). For the next sync().
  void set_pods_rules(std::set<Family> families) { pods_rules_ = std::move(families); }
  void set_route(const overlay::RouteKey& key, const overlay::RouteTarget& target);
  void remove_route(const overlay::RouteKey& key);
  /// Nothing is wanted any more. Learned path MTUs stay for what is wanted again.
  void clear();
  [[nodiscard]] bool captures(const IpPrefix& prefix) const {
    return captures_.contains(prefix) || conflicts_.contains(prefix);
  }

  // The ways to other nodes' SIDs, written at once: before any path takes them. What is wanted no
  // more is removed by sync() or write_removals(), when no path takes it any longer.
  [[nodiscard]] Result<void> sync_locator_routes(const std::map<IpPrefix, Ipv6Address>& wanted,
                                                 ApplyReport& report);
  void change_locator_routes(const std::map<IpPrefix, std::optional<Ipv6Address>>& change,
                             ApplyReport& report);

  /// Overlay prefixes that somebody else routes, as of the last write.
  [[nodiscard]] std::vector<IpPrefix> conflicts() const;

  /// Reads all and writes what differs, removals last.
  [[nodiscard]] Result<void> sync(ApplyReport& report);
  /// Writes what set_* and remove_* changed since the last call: additions now, removals by
  /// write_removals().
  void write_changes(ApplyReport& report);
  void write_removals(ApplyReport& report);

  /// What the underlay carries towards an inner destination is less than the pods' MTU: its prefix
  /// gets a route of its own with that MTU. True where this is news.
  bool learn_path_mtu(const IpAddress& inner_destination, std::uint32_t mtu, ApplyReport& report);
  /// Back to the pods' MTU: paths change, and a larger MTU shows itself only by trying (RFC 8201
  /// section 4).
  void forget_path_mtus(ApplyReport& report);

  [[nodiscard]] bool owns(const netlink::Route& route) const;
  /// A route of somebody else that touches ours: same prefix, so a conflict begins or ends.
  [[nodiscard]] bool concerns(const netlink::Route& foreign) const;
  [[nodiscard]] Result<void> remove_all();

 private:
  using RouteId = std::pair<IpPrefix, netlink::TableId>;

  [[nodiscard]] netlink::Route capture_route(const IpPrefix& prefix) const;
  [[nodiscard]] netlink::Route closed_route(const IpPrefix& prefix, netlink::RouteType type) const;
  [[nodiscard]] netlink::Route locator_route(const IpPrefix& prefix, const Ipv6Address& via) const;
  [[nodiscard]] bool has_pods_rule(Family family) const;
  [[nodiscard]] netlink::Route pods_route(const IpPrefix& prefix, netlink::RouteType type) const;
  [[nodiscard]] std::vector<netlink::Route> wanted_routes() const;
  [[nodiscard]] netlink::Route on_its_device(netlink::Route route);
  [[nodiscard]] Result<std::map<RouteId, netlink::Route>> own_routes(Family family);
  void write_added(ApplyReport& report);
  void remove(const std::vector<netlink::Route>& routes, ApplyReport& report);
  [[nodiscard]] Result<void> find_conflicts(ApplyReport& report);
  [[nodiscard]] bool find_new_conflicts();
  void report_conflicts(ApplyReport& report) const;
  [[nodiscard]] Result<void> sync_addresses(ApplyReport& report);
  [[nodiscard]] Result<void> sync_routes(ApplyReport& report);
  [[nodiscard]] Result<void> sync_rules(ApplyReport& report);

  netlink::Socket& socket_;
  netlink::IfIndex inner_ = netlink::IfIndex::kNone;
  netlink::IfIndex outer_ = netlink::IfIndex::kNone;
  std::uint32_t pod_mtu_ = 0;
  Identity identity_;
  std::set<Family> pods_rules_{Family::kIpv4, Family::kIpv6};
  bool rules_changed_ = false;  // since the last sync_rules()
  CaptureSet captures_;
  // Overlay prefixes that somebody else routes, and who.
  std::map<IpPrefix, netlink::RouteProtocol> conflicts_;
  std::map<IpPrefix, netlink::RouteType> closed_;  // unreachable, blackhole
  std::map<IpPrefix, netlink::RouteType> pods_;    // the pods' table
  std::map<IpPrefix, Ipv6Address> locators_;
  std::vector<netlink::Route> added_, removed_;  // since the last write_changes()
  std::set<RouteId> written_;                    // since the last write_removals()
  std::map<IpPrefix, std::uint32_t> path_mtus_;  // of members of captures_ and pods_
  std::vector<IpPrefix> new_captures_;           // since the last look for conflicts
};

}  // namespace sextant::dataplane
