#include "dataplane/linux/host_side.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/grace_period.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/rule.h"

namespace sextant::dataplane {
namespace {

using netlink::Route;
using netlink::RouteProtocol;
using netlink::RouteType;
using netlink::TableId;

// The IPv4 dummy address (RFC 7600 section 4.8), where the node has none in the overlay, as under
// Calico's IPAM. From a device without any IPv4 address the kernel takes no packet whose source
// another device leads to, be its rp_filter ever so loose: other nodes' own addresses. Of scope
// link, so that nothing is ever sent from it.
constexpr Ipv4Address kDummyIpv4({192, 0, 0, 8});

bool same_route(const Route& wanted, const Route& present) {
  if (wanted.type != present.type) return false;
  if (wanted.type != RouteType::kUnicast) return true;  // IPv6 shows `lo` as their device
  const auto same_hop = [](const netlink::NextHop& a, const netlink::NextHop& b) {
    // A locator's route names no device: the kernel finds it from the gateway.
    return a.gateway == b.gateway && (a.link == netlink::IfIndex::kNone || a.link == b.link);
  };
  return std::ranges::equal(wanted.next_hops, present.next_hops, same_hop) &&
         wanted.preferred_source == present.preferred_source && wanted.mtu == present.mtu;
}

std::pair<IpPrefix, TableId> id_of(const Route& route) { return {route.destination, route.table}; }

// Packets to other nodes' SIDs take it.
bool leads_to_locator(const Route& route) {
  return route.next_hops.size() == 1 && route.next_hops.front().gateway &&
         *route.next_hops.front().gateway != IpAddress(kGatewaySide);
}

bool is_closed(const overlay::RouteTarget& target) {
  return !std::holds_alternative<overlay::PathKey>(target);
}
RouteType type_of(const overlay::RouteTarget& target) {
  if (std::holds_alternative<overlay::Unreachable>(target)) return RouteType::kUnreachable;
  if (std::holds_alternative<overlay::Drop>(target)) return RouteType::kBlackhole;
  return RouteType::kUnicast;
}

}  // namespace

void HostSide::set_devices(netlink::IfIndex inner, netlink::IfIndex outer, std::uint32_t pod_mtu) {
  inner_ = inner;
  outer_ = outer;
  pod_mtu_ = pod_mtu;
}

void HostSide::clear() {
  identity_ = {};
  captures_ = {};
  captures_.collect_changes(false);  // sync() reads the whole aggregate
  conflicts_.clear();
  closed_.clear();
  pods_.clear();
  locators_.clear();
  added_.clear();
  removed_.clear();
  written_.clear();
  new_captures_.clear();
}

Route HostSide::capture_route(const IpPrefix& prefix) const {
  const auto path_mtu = path_mtus_.find(prefix);
  Route route{
      .destination = prefix,
      .protocol = RouteProtocol::kSextant,
      .metric = kHostMetric,
      .next_hops = {{.gateway = kGatewaySide, .link = inner_}},
      .mtu = path_mtu != path_mtus_.end() ? std::min(path_mtu->second, pod_mtu_) : pod_mtu_};
  if (prefix.family() == Family::kIpv4) {
    if (identity_.overlay_ipv4) route.preferred_source = *identity_.overlay_ipv4;
  } else if (identity_.overlay_ipv6) {
    route.preferred_source = *identity_.overlay_ipv6;
  }
  return route;
}

Route HostSide::closed_route(const IpPrefix& prefix, RouteType type) const {
  return {.destination = prefix,
          .protocol = RouteProtocol::kSextant,
          .type = type,
          .metric = kHostMetric};
}

Route HostSide::locator_route(const IpPrefix& prefix, const Ipv6Address& via) const {
  return {.destination = prefix,
          .protocol = RouteProtocol::kSextant,
          .metric = kHostMetric,
          .next_hops = {{.gateway = via}}};
}

// A rule that nobody needs would make every look-up of its family slower.
bool HostSide::has_pods_rule(Family family) const {
  if (pods_.empty() || !pods_rules_.contains(family)) return false;
  const auto& some = family == Family::kIpv4 ? *pods_.begin() : *pods_.rbegin();
  return some.first.family() == family;
}

Route HostSide::pods_route(const IpPrefix& prefix, RouteType type) const {
  Route route = type == RouteType::kUnicast ? capture_route(prefix) : closed_route(prefix, type);
  route.table = kPodsTable;
  route.preferred_source = std::nullopt;  // only forwarded packets come here
  return route;
}

void HostSide::set_route(const overlay::RouteKey& key, const overlay::RouteTarget& target) {
  const auto type = type_of(target);
  if (key.scope == overlay::RouteScope::kPods) {
    const bool had_rule = has_pods_rule(key.prefix.family());
    pods_.insert_or_assign(key.prefix, type);
    if (!has_pods_rule(key.prefix.family())) return;
    added_.push_back(pods_route(key.prefix, type));
    rules_changed_ |= !had_rule;
    return;
  }
  if (is_closed(target)) {
    captures_.erase(key.prefix);
    conflicts_.erase(key.prefix);
    closed_[key.prefix] = type;
    added_.push_back(closed_route(key.prefix, type));
    return;
  }
  if (const auto closed = closed_.find(key.prefix); closed != closed_.end()) {
    removed_.push_back(closed_route(key.prefix, closed->second));
    closed_.erase(closed);
  }
  if (!captures_.contains(key.prefix)) {
    captures_.insert(key.prefix);
    new_captures_.push_back(key.prefix);
  }
}

void HostSide::remove_route(const overlay::RouteKey& key) {
  if (key.scope == overlay::RouteScope::kPods) {
    const auto found = pods_.find(key.prefix);
    if (found == pods_.end()) return;
    if (has_pods_rule(key.prefix.family())) {
      removed_.push_back(pods_route(key.prefix, found->second));
    }
    pods_.erase(found);
    rules_changed_ |= !has_pods_rule(key.prefix.family());
    if (!captures_.contains(key.prefix)) path_mtus_.erase(key.prefix);
    return;
  }
  if (path_mtus_.erase(key.prefix) != 0 && captures_.contains(key.prefix)) {
    removed_.push_back(capture_route(key.prefix));
  }
  captures_.erase(key.prefix);
  conflicts_.erase(key.prefix);
  if (const auto closed = closed_.find(key.prefix); closed != closed_.end()) {
    removed_.push_back(closed_route(key.prefix, closed->second));
    closed_.erase(closed);
  }
}

Result<void> HostSide::sync_locator_routes(const std::map<IpPrefix, Ipv6Address>& wanted,
                                           ApplyReport& report) {
  locators_ = wanted;
  if (wanted.empty()) return {};
  const auto present = own_routes(Family::kIpv6);
  if (!present) return tl::unexpected(present.error());
  for (const auto& [locator, via] : wanted) {
    const auto route = locator_route(locator, via);
    const auto found = present->find(id_of(route));
    if (found == present->end() || !same_route(route, found->second)) added_.push_back(route);
  }
  ApplyReport early;  // sync() tries again, and tells, what fails now
  write_added(early);
  report.writes += early.writes;
  return {};
}

void HostSide::change_locator_routes(const std::map<IpPrefix, std::optional<Ipv6Address>>& change,
                                     ApplyReport& report) {
  for (const auto& [locator, via] : change) {
    const auto before = locators_.find(locator);
    if (via) {
      locators_[locator] = *via;
      added_.push_back(locator_route(locator, *via));
    } else if (before != locators_.end()) {
      removed_.push_back(locator_route(locator, before->second));
      locators_.erase(before);
    }
  }
  write_added(report);
}

std::vector<Route> HostSide::wanted_routes() const {
  std::vector<Route> routes;
  std::set<IpPrefix> captured;
  for (const auto& prefix : captures_.aggregate()) captured.insert(prefix);
  for (const auto& [prefix, mtu] : path_mtus_) {
    if (captures_.contains(prefix)) captured.insert(prefix);
  }
  for (const auto& prefix : captured) routes.push_back(capture_route(prefix));
  if (outer_ != netlink::IfIndex::kNone) {  // where nftables hands outer packets to (filter.h)
    routes.push_back({.destination = IpPrefix::host(kGatewaySide),
                      .protocol = RouteProtocol::kSextant,
                      .metric = kHostMetric,
                      .next_hops = {{.link = outer_}}});
  }
  for (const auto& [prefix, type] : closed_) routes.push_back(closed_route(prefix, type));
  for (const auto& [prefix, via] : locators_) routes.push_back(locator_route(prefix, via));
  for (const auto& [prefix, type] : pods_) {
    if (has_pods_rule(prefix.family())) routes.push_back(pods_route(prefix, type));
  }
  return routes;
}

Result<void> HostSide::sync_addresses(ApplyReport& report) {
  std::vector<netlink::InterfaceAddress> wanted;
  if (identity_.overlay_ipv4) {
    wanted.push_back({.link = inner_, .address = *identity_.overlay_ipv4, .prefix_length = 32});
  } else {
    wanted.push_back({.link = inner_,
                      .address = kDummyIpv4,
                      .prefix_length = 32,
                      .scope = netlink::AddressScope::kLink});
  }
  if (identity_.overlay_ipv6) {
    wanted.push_back({.link = inner_, .address = *identity_.overlay_ipv6, .prefix_length = 128});
  }
  const auto present = netlink::list_addresses(socket_, {.link = inner_});
  if (!present) return tl::unexpected(present.error());
  const auto contains = [](const auto& list, const netlink::InterfaceAddress& address) {
    return std::ranges::any_of(list, [&](const auto& other) {
      return other.address == address.address && other.prefix_length == address.prefix_length;
    });
  };
  for (const auto& address : wanted) {
    if (!contains(*present, address)) {
      book(report, "address " + address.to_string(), netlink::add_address(socket_, address));
    }
  }
  for (const auto& address : *present) {
    if (!contains(wanted, address) && address.scope != netlink::AddressScope::kLink) {
      book(report, "address " + address.to_string(), netlink::delete_address(socket_, address));
    }
  }
  return {};
}

// Where the underlay finds a locator's gateway now: its address may have moved to another device,
// and the kernel leaves a route where it was.
Route HostSide::on_its_device(Route route) {
  if (route.next_hops.size() != 1 || route.next_hops.front().link != netlink::IfIndex::kNone) {
    return route;
  }
  const auto& gateway = route.next_hops.front().gateway;
  const auto best = gateway ? netlink::match_route(socket_, *gateway) : std::optional<Route>{};
  const bool connected =
      best && *best && (*best)->next_hops.size() == 1 && !(*best)->next_hops.front().gateway;
  if (connected) {
    route.next_hops.front().link = (*best)->next_hops.front().link;
  }
  return route;
}

Result<std::map<HostSide::RouteId, Route>> HostSide::own_routes(Family family) {
  auto routes =
      netlink::list_routes(socket_, {.family = family, .protocol = RouteProtocol::kSextant});
  if (!routes) return tl::unexpected(routes.error());
  std::map<RouteId, Route> own;
  for (auto& route : *routes) {
    if (owns(route)) own.emplace(id_of(route), std::move(route));
  }
  return own;
}

Result<void> HostSide::sync_routes(ApplyReport& report) {
  auto present = own_routes(Family::kIpv4);
  if (!present) return tl::unexpected(present.error());
  auto ipv6 = own_routes(Family::kIpv6);
  if (!ipv6) return tl::unexpected(ipv6.error());
  present->merge(*ipv6);
  Writes writes(socket_, report);
  for (const auto& route : wanted_routes()) {
    const auto found = present->find(id_of(route));
    const bool same = found != present->end() && same_route(on_its_device(route), found->second);
    if (found != present->end()) present->erase(found);
    if (!same) {
      writes.add(
          netlink::route_message(route, netlink::RouteWrite::kReplace).about(route.to_string()));
    }
  }
  writes.flush();
  std::vector<Route> leftovers;
  for (const auto& [id, route] : *present) leftovers.push_back(route);
  remove(leftovers, report);
  return {};
}

Result<void> HostSide::sync_rules(ApplyReport& report) {
  std::vector<netlink::RoutingRule> wanted;
  rules_changed_ = false;
  for (const auto& prefix : identity_.pod_prefixes) {
    if (!has_pods_rule(prefix.family())) continue;
    wanted.push_back({.family = prefix.family(),
                      .priority = kPodsRulePriority,
                      .from = prefix,
                      .table = kPodsTable,
                      .protocol = RouteProtocol::kSextant});
  }
  auto present = netlink::list_rules(socket_);
  if (!present) return tl::unexpected(present.error());
  std::erase_if(*present, [](const auto& rule) {
    return rule.protocol != RouteProtocol::kSextant || rule.table != kPodsTable;
  });
  for (const auto& rule : wanted) {
    if (std::ranges::find(*present, rule) == present->end()) {
      book(report, "rule " + rule.to_string(), netlink::add_rule(socket_, rule));
    }
  }
  for (const auto& rule : *present) {
    if (std::ranges::find(wanted, rule) == wanted.end()) {
      book(report, "rule " + rule.to_string(), netlink::delete_rule(socket_, rule));
    }
  }
  return {};
}

Result<void> HostSide::sync(ApplyReport& report) {
  for (const auto step : {&HostSide::sync_addresses, &HostSide::find_conflicts,
                          &HostSide::sync_routes, &HostSide::sync_rules}) {
    if (auto done = (this->*step)(report); !done) return done;
  }
  captures_.collect_changes(true);
  added_.clear();
  removed_.clear();
  written_.clear();
  new_captures_.clear();
  return {};
}

void HostSide::write_changes(ApplyReport& report) {
  if (find_new_conflicts()) {
    report_conflicts(report);
  } else if (auto read = find_conflicts(report); !read) {
    report.problems.push_back({.object = "routes", .error = read.error()});
  }
  new_captures_.clear();
  const auto captured = captures_.take_change();
  for (const auto& prefix : captured.added) added_.push_back(capture_route(prefix));
  for (const auto& prefix : captured.removed) {
    if (!path_mtus_.contains(prefix)) removed_.push_back(capture_route(prefix));
  }
  write_added(report);
  if (rules_changed_) {
    if (auto done = sync_rules(report); !done) {
      report.problems.push_back({.object = "rules", .error = done.error()});
    }
  }
}

void HostSide::write_added(ApplyReport& report) {
  Writes writes(socket_, report);
  for (const auto& route : added_) {
    writes.add(
        netlink::route_message(route, netlink::RouteWrite::kReplace).about(route.to_string()));
    written_.insert(id_of(route));
  }
  writes.flush();
  added_.clear();
}

void HostSide::write_removals(ApplyReport& report) {
  // What was replaced by another type under the same key is not there any more under the old one.
  std::erase_if(removed_, [&](const Route& route) { return written_.contains(id_of(route)); });
  remove(removed_, report);
  removed_.clear();
  written_.clear();
}

// A packet may have got its outer header before its path changed, and look for the way to the
// former SID only now.
void HostSide::remove(const std::vector<Route>& routes, ApplyReport& report) {
  if (std::ranges::any_of(routes, leads_to_locator)) await_grace_period();
  Writes writes(socket_, report);
  for (const auto& route : routes) {
    // ESRCH: it was never installed (refused), or the kernel removed it together with its device
    writes.add(netlink::route_delete_message(route).about(route.to_string()), {ESRCH});
  }
  writes.flush();
}

bool HostSide::learn_path_mtu(const IpAddress& inner_destination, std::uint32_t mtu,
                              ApplyReport& report) {
  for (int length = address_bits(inner_destination.family()); length >= 0; --length) {
    const IpPrefix prefix(inner_destination, static_cast<std::uint8_t>(length));
    const bool captured = captures_.contains(prefix);
    const auto pods = pods_.find(prefix);
    const bool to_node = pods != pods_.end() && pods->second == RouteType::kUnicast &&
                         has_pods_rule(prefix.family());
    if (!captured && !to_node) continue;
    const auto known = path_mtus_.find(prefix);
    if (mtu >= (known != path_mtus_.end() ? known->second : pod_mtu_)) return false;
    path_mtus_[prefix] = mtu;
    const auto route = captured ? capture_route(prefix) : pods_route(prefix, RouteType::kUnicast);
    book(report, "route " + route.to_string(), netlink::replace_route(socket_, route));
    return true;
  }
  return false;
}

void HostSide::forget_path_mtus(ApplyReport& report) {
  path_mtus_.clear();
  if (auto done = sync_routes(report); !done) {
    report.problems.push_back({.object = "routes", .error = done.error()});
  }
}

bool HostSide::owns(const Route& route) const {
  return route.protocol == RouteProtocol::kSextant &&
         (route.table == TableId::kMain || route.table == kPodsTable);
}

bool HostSide::concerns(const Route& foreign) const {
  // A link's own prefix comes or goes, and with it the way to a locator's gateway.
  if (foreign.table == TableId::kMain && foreign.protocol == RouteProtocol::kKernel &&
      std::ranges::any_of(locators_, [&](const auto& locator) {
        return foreign.destination.contains(locator.second);
      })) {
    return true;
  }
  return foreign.table == TableId::kMain && foreign.protocol != RouteProtocol::kSextant &&
         (captures_.contains(foreign.destination) || conflicts_.contains(foreign.destination));
}

Result<void> HostSide::remove_all() {
  clear();
  path_mtus_.clear();
  outer_ = netlink::IfIndex::kNone;
  ApplyReport report;
  if (auto done = sync_routes(report); !done) return done;
  if (auto done = sync_rules(report); !done) return done;
  if (!report.ok()) return tl::unexpected(report.problems.front().error);
  return {};
}

}  // namespace sextant::dataplane
