#include "dataplane/linux/host_side.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/rule.h"

namespace sextant::dataplane {
namespace {

using netlink::Route;
using netlink::RouteProtocol;
using netlink::RouteType;
using netlink::TableId;

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

using RouteId = std::pair<IpPrefix, std::uint32_t>;  // and its table
RouteId id_of(const Route& route) { return {route.destination, netlink::number(route.table)}; }

bool is_closed(const overlay::RouteTarget& target) {
  return !std::holds_alternative<overlay::PathKey>(target);
}
RouteType type_of(const overlay::RouteTarget& target) {
  if (std::holds_alternative<overlay::Unreachable>(target)) return RouteType::kUnreachable;
  if (std::holds_alternative<overlay::Drop>(target)) return RouteType::kBlackhole;
  return RouteType::kUnicast;
}

constexpr std::size_t kMostLookups = 64;

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

void HostSide::set_locator_route(const IpPrefix& locator, const Ipv6Address& via) {
  locators_[locator] = via;
  added_.push_back(locator_route(locator, via));
}

void HostSide::remove_locator_route(const IpPrefix& locator) {
  const auto found = locators_.find(locator);
  if (found == locators_.end()) return;
  removed_.push_back(locator_route(locator, found->second));
  locators_.erase(found);
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

// Overlay prefixes for which the main table has a route of somebody else. They are taken out of the
// capture, and come back when that route is gone.
Result<void> HostSide::find_conflicts(ApplyReport& report) {
  std::map<IpPrefix, RouteProtocol> found;
  for (const auto family : {AF_INET, AF_INET6}) {
    netlink::Message dump(RTM_GETROUTE, 0, rtmsg{.rtm_family = static_cast<std::uint8_t>(family)});
    dump.u32(RTA_TABLE, netlink::number(TableId::kMain));
    const auto read = socket_.dump(dump, [&](const nlmsghdr& message) {
      const auto route = netlink::parse_route(message);
      if (!route || route->protocol == RouteProtocol::kSextant) return;
      const bool wanted =
          captures_.contains(route->destination) || conflicts_.contains(route->destination);
      if (wanted) found.emplace(route->destination, route->protocol);
    });
    if (!read) return read;
  }
  for (const auto& [prefix, owner] : found) captures_.erase(prefix);
  for (const auto& [prefix, owner] : conflicts_) {
    if (!found.contains(prefix)) captures_.insert(prefix);
  }
  conflicts_ = std::move(found);
  report_conflicts(report);
  return {};
}

// The same for a few new captures, which are not worth reading a table that may hold 100,000
// routes. False where single lookups cannot tell.
bool HostSide::find_new_conflicts() {
  if (new_captures_.size() > kMostLookups) return false;
  std::map<IpPrefix, RouteProtocol> found;
  for (const auto& prefix : new_captures_) {
    const auto best = netlink::match_route(socket_, prefix.address());
    if (!best) return false;
    const auto& route = *best;
    if (!route) continue;
    // Another rule's table, a longer prefix or our own route may hide what is looked for.
    if (route->table != TableId::kMain || route->destination.length() > prefix.length()) {
      return false;
    }
    if (route->destination != prefix) continue;
    if (route->protocol == RouteProtocol::kSextant) return false;
    found.emplace(prefix, route->protocol);
  }
  for (const auto& prefix : new_captures_) conflicts_.erase(prefix);
  for (const auto& [prefix, owner] : found) captures_.erase(prefix);
  conflicts_.merge(found);
  return true;
}

void HostSide::report_conflicts(ApplyReport& report) const {
  for (const auto& [prefix, owner] : conflicts_) {
    const std::string object = "route " + prefix.to_string();
    report.problems.push_back(
        {.object = object,
         .error = {.operation = "route into the overlay",
                   .object = prefix.to_string(),
                   .cause = "another route to this pod prefix, of protocol " +
                            netlink::to_string(owner) + ", is in the main table, and is kept",
                   .hint = "see `ip route show exact " + prefix.to_string() +
                           "`; remove it, or give the prefix to one owner"}});
  }
}

std::vector<IpPrefix> HostSide::conflicts() const {
  std::vector<IpPrefix> prefixes;
  for (const auto& [prefix, owner] : conflicts_) prefixes.push_back(prefix);
  return prefixes;
}

Result<void> HostSide::sync_addresses(ApplyReport& report) {
  std::vector<netlink::InterfaceAddress> wanted;
  if (identity_.overlay_ipv4) {
    wanted.push_back({.link = inner_, .address = *identity_.overlay_ipv4, .prefix_length = 32});
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

Result<void> HostSide::sync_routes(ApplyReport& report) {
  std::map<RouteId, Route> present;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    auto routes =
        netlink::list_routes(socket_, {.family = family, .protocol = RouteProtocol::kSextant});
    if (!routes) return tl::unexpected(routes.error());
    for (auto& route : *routes) {
      if (route.table == TableId::kMain || route.table == kPodsTable) {
        present.emplace(id_of(route), std::move(route));
      }
    }
  }
  Writes writes(socket_, report);
  for (const auto& route : wanted_routes()) {
    const auto found = present.find(id_of(route));
    const bool same = found != present.end() && same_route(on_its_device(route), found->second);
    if (found != present.end()) present.erase(found);
    if (!same) {
      writes.add(
          netlink::route_message(route, netlink::RouteWrite::kReplace).about(route.to_string()));
    }
  }
  for (const auto& [id, route] : present) {
    // ESRCH: the kernel removed it together with its device
    writes.add(netlink::route_delete_message(route).about(route.to_string()), {ESRCH});
  }
  writes.flush();
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
  Writes writes(socket_, report);
  for (const auto& route : added_) {
    writes.add(
        netlink::route_message(route, netlink::RouteWrite::kReplace).about(route.to_string()));
  }
  writes.flush();
  if (rules_changed_) {
    if (auto done = sync_rules(report); !done) {
      report.problems.push_back({.object = "rules", .error = done.error()});
    }
  }
  // What was replaced by another type under the same key is not there any more under the old one.
  std::set<RouteId> written;
  for (const auto& route : added_) written.insert(id_of(route));
  std::erase_if(removed_, [&](const Route& route) { return written.contains(id_of(route)); });
  added_.clear();
}

void HostSide::write_removals(ApplyReport& report) {
  Writes writes(socket_, report);
  for (const auto& route : removed_) {
    // ESRCH: it was never installed (refused, or its device was gone)
    writes.add(netlink::route_delete_message(route).about(route.to_string()), {ESRCH});
  }
  writes.flush();
  removed_.clear();
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
