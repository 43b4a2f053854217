#include "dataplane/linux/gateway_side.h"

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/filter.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/rule.h"

namespace sextant::dataplane {
namespace {

using netlink::Attributes;
using netlink::Message;
using netlink::Route;
using netlink::RouteProtocol;
using netlink::RouteType;
using netlink::TableId;
using overlay::LocalSid;
using overlay::PathKey;
using srv6::Behavior;

const IpPrefix kAnyIpv6(Ipv6Address{}, 0);

Nexthops::Shape shape_of(const PathKey& key) {
  return key.color ? Nexthops::Shape::kGroup : Nexthops::Shape::kSingle;
}

bool same_route(const Route& wanted, const Route& present) {
  return wanted.type == present.type &&
         (wanted.type != RouteType::kUnicast || wanted.next_hops == present.next_hops);
}

Route gateway_route(const IpPrefix& destination, netlink::IfIndex link) {
  return {.destination = destination,
          .protocol = RouteProtocol::kSextant,
          .metric = kGatewayMetric,
          .next_hops = {{.gateway = kHostSide, .link = link}}};
}

Route prefix_route(const IpPrefix& prefix, netlink::NexthopId nexthop) {
  return {.destination = prefix,
          .protocol = RouteProtocol::kSextant,
          .metric = kGatewayMetric,
          .nexthop = nexthop};
}

rtmsg sid_header() {
  return {.rtm_family = AF_INET6,
          .rtm_dst_len = 128,
          .rtm_protocol = netlink::number(RouteProtocol::kSextant),
          .rtm_scope = RT_SCOPE_UNIVERSE,
          .rtm_type = RTN_UNICAST};
}

Message sid_message(std::uint16_t type, std::uint16_t flags, const srv6::Sid& sid, TableId table) {
  Message message(type, flags, sid_header());
  message.address(RTA_DST, sid.address())
      .u32(RTA_TABLE, netlink::number(table))
      .u32(RTA_PRIORITY, kGatewayMetric)
      .about("SID " + sid.to_string());
  return message;
}

// What the kernel does for a behavior in the gateway; none: nothing it knows. End.DT4 is End.DX4
// towards the host, End.DT6 has a table that leads there: both without a VRF device, and the host's
// own addresses are reached too (DESIGN decision 6).
std::optional<Seg6Local> kernel_action(const LocalSid& local) {
  switch (local.behavior) {
    case Behavior::kEnd:
      return Seg6Local{.action = SEG6_LOCAL_ACTION_END};
    case Behavior::kEndDt6:
    case Behavior::kEndDx6:
    case Behavior::kEndDt46:
      return Seg6Local{.action = SEG6_LOCAL_ACTION_END_DT6, .table = kDeliverTable};
    case Behavior::kEndDt4:
    case Behavior::kEndDx4:
      return Seg6Local{.action = SEG6_LOCAL_ACTION_END_DX4, .next_hop4 = kHostSideIpv4};
    case Behavior::kEndB6Encaps:
      if (local.lists.size() != 1) return std::nullopt;
      return Seg6Local{.action = SEG6_LOCAL_ACTION_END_B6_ENCAP,
                       .segments = local.lists.front().segments};
    default:
      return std::nullopt;
  }
}

void unsupported(const srv6::Sid& sid, Behavior behavior, ApplyReport& report) {
  report.problems.push_back({.object = "SID " + sid.to_string(),
                             .error = {.operation = "install SID",
                                       .object = sid.to_string(),
                                       .cause = std::string(srv6::to_string(behavior)) +
                                                " is not available in the Linux data plane"}});
}

}  // namespace

bool is_host_behavior(Behavior behavior) { return behavior == Behavior::kEndX; }

std::vector<WeightedNexthop> GatewaySide::contents(const PathKey& key,
                                                   const overlay::Path& path) const {
  std::vector<WeightedNexthop> contents;
  for (const auto& list : path.lists) {
    const auto mode = list.segments.size() == 1 ? srv6::EncapMode::kEncapsReduced : encap_;
    contents.push_back({.content = {.family = key.family,
                                    .action = Seg6Encap{.mode = mode, .segments = list.segments}},
                        .weight = list.weight});
  }
  if (contents.empty())
    contents.push_back({.content = {.family = key.family, .action = Blackhole{}}});
  return contents;
}

Result<GatewaySide::Tables> GatewaySide::read() {
  Tables tables;
  for (const auto family : {AF_INET, AF_INET6}) {
    Message dump(RTM_GETROUTE, 0,
                 rtmsg{.rtm_family = static_cast<std::uint8_t>(family),
                       .rtm_protocol = netlink::number(RouteProtocol::kSextant)});
    const auto done = gateway_.socket().dump(dump, [&](const nlmsghdr& message) {
      auto route = netlink::parse_route(message);
      if (!route) return;
      const auto attributes = Attributes::of<rtmsg>(message);
      if (route->nexthop != netlink::NexthopId::kNone) {
        tables.by_nexthop.emplace(route->destination, route->nexthop);
      } else if (attributes.u16(RTA_ENCAP_TYPE) == LWTUNNEL_ENCAP_SEG6_LOCAL) {
        // One that does not parse is of another maker: it never equals a wanted one, and is
        // replaced.
        tables.sids.emplace(SidRoute{srv6::Sid(route->destination.address().v6()), route->table},
                            parse_seg6_local(attributes.nest(RTA_ENCAP)).value_or(Seg6Local{}));
      } else {
        tables.plain.push_back(std::move(*route));
      }
    });
    if (!done) return tl::unexpected(done.error());
  }
  return tables;
}

Message GatewaySide::prefix_message(const IpPrefix& prefix, netlink::NexthopId nexthop) const {
  const auto route = prefix_route(prefix, nexthop);
  auto message = nexthop == netlink::NexthopId::kNone
                     ? netlink::route_delete_message(route)
                     : netlink::route_message(route, netlink::RouteWrite::kReplace);
  message.about("path of " + prefix.to_string());
  return message;
}

void GatewaySide::adopt(const overlay::Forwarding& wanted, const Tables& tables) {
  for (const auto& [key, target] : wanted.routes) {
    const auto* path = std::get_if<PathKey>(&target);
    const auto found = tables.by_nexthop.find(key.prefix);
    if (path != nullptr && found != tables.by_nexthop.end()) {
      nexthops_.claim(*path, shape_of(*path), found->second);
    }
  }
  for (const auto& [sid, local] : wanted.local_sids) {
    const auto found = tables.by_nexthop.find(IpPrefix::host(sid.address()));
    if (found != tables.by_nexthop.end()) {
      nexthops_.claim(sid, Nexthops::Shape::kGroup, found->second);
    }
  }
}

void GatewaySide::write_prefixes(const overlay::Forwarding& wanted, Tables& tables,
                                 ApplyReport& report) {
  Writes writes(gateway_.socket(), report);
  const auto write = [&](const IpPrefix& prefix, const PathKey& path) {
    const auto nexthop = nexthops_.find(path);
    if (!nexthop) return;
    const auto found = tables.by_nexthop.find(prefix);
    const bool same = found != tables.by_nexthop.end() && found->second == *nexthop;
    if (!same && found != tables.by_nexthop.end() && prefix.address().is_v4())
      hold(found->second, writes);
    if (found != tables.by_nexthop.end()) tables.by_nexthop.erase(found);
    if (!same) writes.add(prefix_message(prefix, *nexthop));
    if (fast_path_ != nullptr) fast_path_->set_prefix(prefix, *nexthop, report);
  };
  for (const auto& [key, target] : wanted.routes) {
    const auto* path = std::get_if<PathKey>(&target);
    if (key.scope == overlay::RouteScope::kPods) {
      pods_only_[key.prefix] = target;
      if (wanted.routes.contains({overlay::RouteScope::kAll, key.prefix})) continue;
    }
    if (path != nullptr) write(key.prefix, *path);
  }
  writes.flush();
}

Result<void> GatewaySide::sync(const overlay::Forwarding& wanted, ApplyReport& report) {
  auto tables = read();
  if (!tables) return tl::unexpected(tables.error());
  if (auto done = nexthops_.read(gateway_.socket(), gateway_.outer()); !done) return done;
  leftovers_.clear();
  leftover_prefixes_.clear();
  pods_only_.clear();
  adopt(wanted, *tables);

  std::set<Nexthops::Key> keep;
  Writes writes(gateway_.socket(), report);
  for (const auto& [key, path] : wanted.paths) {
    set_path(key, path, writes);
    keep.insert(key);
  }
  writes.flush();
  write_prefixes(wanted, *tables, report);

  const Identity identity{wanted.encapsulation_source, wanted.overlay_ipv4, wanted.overlay_ipv6,
                          wanted.pod_prefixes, wanted.locator};
  if (auto done = sync_local(identity, wanted.local_sids, *tables, report); !done) return done;
  for (const auto& sid : grouped_sids_) keep.insert(sid);
  for (const auto& [prefix, nexthop] : tables->by_nexthop) leftover_prefixes_.insert(prefix);
  nexthops_.retain(keep);
  nexthops_.disown_unclaimed();
  return {};
}

void GatewaySide::set_path(const PathKey& key, const overlay::Path& path, Writes& writes) {
  nexthops_.put(key, shape_of(key), contents(key, path), writes);
}

void GatewaySide::hold_path(const PathKey& key, Writes& writes) {
  if (key.family != Family::kIpv4) return;
  if (const auto nexthop = nexthops_.find(key)) hold(*nexthop, writes);
}

void GatewaySide::hold(netlink::NexthopId nexthop, Writes& writes) {
  held_.hold(prefix_route(IpPrefix(Ipv4Address(), 0), nexthop), writes);
}

void GatewaySide::set_route(const overlay::RouteKey& key, const overlay::RouteTarget& target,
                            bool captured, Writes& writes) {
  if (key.scope == overlay::RouteScope::kPods) {
    pods_only_[key.prefix] = target;
    if (captured) return;  // a pod prefix of the same name decides
  }
  const auto* path = std::get_if<PathKey>(&target);
  const auto nexthop = path != nullptr ? nexthops_.find(*path) : std::nullopt;
  if (nexthop) {
    writes.add(prefix_message(key.prefix, *nexthop));
    leftover_prefixes_.erase(key.prefix);
    if (fast_path_ != nullptr) fast_path_->set_prefix(key.prefix, *nexthop, writes.report());
  } else {
    remove_prefix(key.prefix, writes.report());
  }
}

// The kernel's route goes with collect(), when the host sends nothing there any more.
void GatewaySide::remove_prefix(const IpPrefix& prefix, ApplyReport& report) {
  if (fast_path_ != nullptr) fast_path_->remove_prefix(prefix, report);
  leftover_prefixes_.insert(prefix);
}

void GatewaySide::remove_route(const overlay::RouteKey& key, bool captured, Writes& writes) {
  if (key.scope == overlay::RouteScope::kPods) {
    pods_only_.erase(key.prefix);
    if (captured) return;
  } else if (const auto other = pods_only_.find(key.prefix); other != pods_only_.end()) {
    const auto target = other->second;
    set_route({overlay::RouteScope::kPods, key.prefix}, target, false, writes);
    return;
  }
  remove_prefix(key.prefix, writes.report());
}

std::vector<Route> GatewaySide::base_routes(const Identity& identity) const {
  std::vector<Route> routes;
  routes.push_back(gateway_route(kAnyIpv6, gateway_.outer()));
  routes.push_back(gateway_route(kAnyIpv6, gateway_.inner()));
  routes.back().table = kDeliverTable;
  routes.push_back(gateway_route(IpPrefix::host(kHostSideIpv4), gateway_.inner()));
  // For ICMP errors that the gateway itself sends to its pods.
  for (const auto& prefix : identity.pod_prefixes) {
    routes.push_back(gateway_route(prefix, gateway_.inner()));
  }
  if (identity.locator) {
    routes.push_back({.destination = *identity.locator,
                      .protocol = RouteProtocol::kSextant,
                      .type = RouteType::kUnreachable,
                      .metric = kGatewayMetric});
  }
  return routes;
}

std::map<GatewaySide::SidRoute, Seg6Local> GatewaySide::wanted_sids(
    const std::map<srv6::Sid, LocalSid>& sids) const {
  std::map<SidRoute, Seg6Local> wanted;
  for (const auto& [sid, local] : sids) {
    if (is_host_behavior(local.behavior) || grouped_sids_.contains(sid)) continue;
    const auto action = kernel_action(local);
    if (!action) continue;
    wanted.emplace(SidRoute{sid, TableId::kMain}, *action);
    if (local.behavior == Behavior::kEndDt46) {
      wanted.emplace(SidRoute{sid, kInnerIpv4Table},
                     Seg6Local{.action = SEG6_LOCAL_ACTION_END_DX4, .next_hop4 = kHostSideIpv4});
    }
  }
  return wanted;
}

Result<void> GatewaySide::sync_local(const Identity& identity,
                                     const std::map<srv6::Sid, LocalSid>& sids,
                                     ApplyReport& report) {
  Tables tables{.by_nexthop = {}, .sids = installed_sids_, .plain = installed_plain_};
  for (const auto& sid : grouped_sids_) {
    if (const auto nexthop = nexthops_.find(sid)) {
      tables.by_nexthop.emplace(IpPrefix::host(sid.address()), *nexthop);
    }
  }
  return sync_local(identity, sids, tables, report);
}

Result<void> GatewaySide::sync_local(const Identity& identity,
                                     const std::map<srv6::Sid, LocalSid>& sids, Tables& tables,
                                     ApplyReport& report) {
  if (identity.encapsulation_source) {
    book(report, "encapsulation source",
         gateway_.netns().run([&] { return set_tunnel_source(*identity.encapsulation_source); }));
  }
  if (auto done = sync_addresses(identity, report); !done) return done;

  Writes writes(gateway_.socket(), report);
  installed_plain_ = base_routes(identity);
  for (const auto& route : installed_plain_) {
    const auto found = std::ranges::find_if(tables.plain, [&](const Route& present) {
      return present.destination == route.destination && present.table == route.table;
    });
    const bool same = found != tables.plain.end() && same_route(route, *found);
    if (found != tables.plain.end()) tables.plain.erase(found);
    if (!same) {
      writes.add(netlink::route_message(route, netlink::RouteWrite::kReplace)
                     .about("in the gateway: " + route.to_string()));
    }
  }
  for (const auto& route : tables.plain) {
    leftovers_.push_back(
        netlink::route_delete_message(route).about("in the gateway: " + route.to_string()));
  }

  const auto formerly_grouped = std::exchange(grouped_sids_, {});
  for (const auto& [sid, local] : sids) {
    if (is_host_behavior(local.behavior)) continue;
    if (local.behavior == Behavior::kEndB6Encaps && local.lists.size() > 1) {
      std::vector<WeightedNexthop> lists;
      for (const auto& list : local.lists) {
        lists.push_back({.content = {.action = Seg6Local{.action = SEG6_LOCAL_ACTION_END_B6_ENCAP,
                                                         .segments = list.segments}},
                         .weight = list.weight});
      }
      const auto nexthop = nexthops_.put(sid, Nexthops::Shape::kGroup, lists, writes);
      grouped_sids_.insert(sid);
      const auto prefix = IpPrefix::host(sid.address());
      const auto found = tables.by_nexthop.find(prefix);
      if (found == tables.by_nexthop.end() || found->second != nexthop) {
        writes.add(prefix_message(prefix, nexthop));
      }
      if (found != tables.by_nexthop.end()) tables.by_nexthop.erase(found);
    } else if (!kernel_action(local)) {
      unsupported(sid, local.behavior, report);
    }
  }
  for (const auto& sid : formerly_grouped) {
    if (grouped_sids_.contains(sid)) continue;
    nexthops_.remove(sid);
    if (!sids.contains(sid)) leftover_prefixes_.insert(IpPrefix::host(sid.address()));
  }
  installed_sids_ = wanted_sids(sids);
  for (const auto& [where, action] : installed_sids_) {
    const auto found = tables.sids.find(where);
    const bool same = found != tables.sids.end() && found->second == action;
    if (found != tables.sids.end()) tables.sids.erase(found);
    if (same) continue;
    auto message = sid_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, where.sid, where.table);
    message.u32(RTA_OIF, netlink::number(gateway_.outer()));
    put_encap(message, RTA_ENCAP_TYPE, RTA_ENCAP, action);
    writes.add(message);
    // A group's route under the same prefix was replaced with it.
    tables.by_nexthop.erase(IpPrefix::host(where.sid.address()));
  }
  writes.flush();
  for (const auto& [where, action] : tables.sids) {
    if (grouped_sids_.contains(where.sid) && where.table == TableId::kMain) continue;
    leftovers_.push_back(sid_message(RTM_DELROUTE, 0, where.sid, where.table));
  }
  return sync_inner_ipv4(sids, report);
}

Result<void> GatewaySide::sync_inner_ipv4(const std::map<srv6::Sid, LocalSid>& sids,
                                          ApplyReport& report) {
  std::set<srv6::Sid> dual_stack;
  for (const auto& [sid, local] : sids) {
    if (local.behavior == Behavior::kEndDt46) dual_stack.insert(sid);
  }
  book(report, "nftables of the gateway",
       gateway_.netns().run([&] { return sync_ruleset(gateway_ruleset(dual_stack)); }));
  const netlink::RoutingRule rule{.family = Family::kIpv6,
                                  .priority = kInnerIpv4RulePriority,
                                  .mark = kInnerIpv4Mark,
                                  .mark_mask = UINT32_MAX,
                                  .table = kInnerIpv4Table,
                                  .protocol = RouteProtocol::kSextant};
  const auto rules = netlink::list_rules(gateway_.socket(), Family::kIpv6);
  if (!rules) return tl::unexpected(rules.error());
  const bool present = std::ranges::find(*rules, rule) != rules->end();
  if (!present && !dual_stack.empty()) {
    book(report, "gateway rule", netlink::add_rule(gateway_.socket(), rule));
  } else if (present && dual_stack.empty()) {
    book(report, "gateway rule", netlink::delete_rule(gateway_.socket(), rule));
  }
  return {};
}

// The overlay addresses once more, on `lo`: sources of the ICMP errors that the gateway sends.
// Nothing that a SID delivers is looked up in the gateway's local table, so they intercept nothing.
Result<void> GatewaySide::sync_addresses(const Identity& identity, ApplyReport& report) {
  const auto lo = netlink::get_link(gateway_.socket(), "lo");
  if (!lo) return tl::unexpected(lo.error());
  std::vector<IpAddress> wanted;
  if (identity.overlay_ipv4) wanted.emplace_back(*identity.overlay_ipv4);
  if (identity.overlay_ipv6) wanted.emplace_back(*identity.overlay_ipv6);
  const auto present = netlink::list_addresses(gateway_.socket(), {.link = lo->index});
  if (!present) return tl::unexpected(present.error());
  for (const auto& address : wanted) {
    const bool there =
        std::ranges::any_of(*present, [&](const auto& other) { return other.address == address; });
    if (there) continue;
    book(
        report, "gateway address " + address.to_string(),
        netlink::add_address(gateway_.socket(), {.link = lo->index,
                                                 .address = address,
                                                 .prefix_length = address_bits(address.family())}));
  }
  for (const auto& address : *present) {
    const bool ours = address.scope == netlink::AddressScope::kUniverse;
    if (ours && std::ranges::find(wanted, address.address) == wanted.end()) {
      book(report, "gateway address " + address.to_string(),
           netlink::delete_address(gateway_.socket(), address));
    }
  }
  return {};
}

void GatewaySide::collect(ApplyReport& report) {
  Writes writes(gateway_.socket(), report);
  held_.release(writes);
  // The node's own prefixes and locator are no overlay prefixes, but have base routes.
  for (const auto& route : installed_plain_) {
    if (route.table == TableId::kMain) leftover_prefixes_.erase(route.destination);
  }
  for (const auto& prefix : leftover_prefixes_) {
    leftovers_.push_back(prefix_message(prefix, netlink::NexthopId::kNone));
  }
  leftover_prefixes_.clear();
  for (const auto& message : leftovers_) {
    writes.add(message, {ESRCH});  // gone already, with its nexthop or because it was never there
  }
  leftovers_.clear();
  nexthops_.collect(writes);
  writes.flush();
}

// SIDs: by seg6local, and on the fast path. Paths: on the fast path, which nearly every packet
// takes; the kernel's nexthops do not count.
Result<Counters> GatewaySide::counters() {
  Counters counters;
  for (const auto& [where, action] : installed_sids_) {
    const auto mark = where.table == kInnerIpv4Table ? kInnerIpv4Mark : 0;
    const auto count = read_seg6_count(gateway_.socket(), where.sid, where.table, mark);
    if (!count) return tl::unexpected(count.error());
    if (!*count) continue;
    // End.DT46 lies in two tables.
    counters.local_sids[where.sid] += {.packets = (*count)->packets, .bytes = (*count)->bytes};
  }
  if (fast_path_ == nullptr) return counters;
  for (const auto& [sid, count] : fast_path_->sid_counts()) {
    const auto found = counters.local_sids.find(sid);
    if (found != counters.local_sids.end()) found->second += count;
  }
  for (const auto& key : nexthops_.keys()) {
    const auto* path = std::get_if<PathKey>(&key);
    const auto id = path != nullptr ? nexthops_.find(key) : std::nullopt;
    if (id) counters.paths.emplace(*path, fast_path_->path_count(*id, nexthops_.lists(key)));
  }
  return counters;
}

}  // namespace sextant::dataplane
