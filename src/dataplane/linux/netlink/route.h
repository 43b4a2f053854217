// Routes of both families, in any table.
//
// A route names its next hop in one of three ways: gateway and/or link, several weighted next hops,
// or a nexthop object's id. Encapsulation is built by those who need it: route_message() gives the
// message to add attributes to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

/// rtm_type
enum class RouteType : std::uint8_t {
  kUnicast = 1,
  kLocal = 2,
  kBroadcast = 3,
  kAnycast = 4,
  kMulticast = 5,
  kBlackhole = 6,
  kUnreachable = 7,
  kProhibit = 8,
};
[[nodiscard]] std::string to_string(RouteType type);

/// "bird", as `ip route` prints it; "proto 77" where the number has no name.
[[nodiscard]] std::string to_string(RouteProtocol protocol);

struct NextHop {
  std::optional<IpAddress> gateway = {};  // of either family (RFC 8950 style for IPv4 through IPv6)
  IfIndex link = IfIndex::kNone;
  std::uint16_t weight = 1;  // 1..256
  bool onlink = false;       // the gateway is reachable on `link` whatever the routes say
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct Route {
  IpPrefix destination;
  TableId table = TableId::kMain;
  RouteProtocol protocol = RouteProtocol::kStatic;
  RouteType type = RouteType::kUnicast;
  std::uint32_t metric = 0;  // 0: the kernel's default (IPv4 0, IPv6 1024)
  std::vector<NextHop> next_hops = {};
  NexthopId nexthop = NexthopId::kNone;
  std::optional<IpAddress> preferred_source = {};
  std::optional<std::uint32_t> mtu = {};     // RTAX_MTU
  std::optional<std::uint32_t> advmss = {};  // RTAX_ADVMSS
  std::optional<std::uint8_t> scope = {};    // RT_SCOPE_*; chosen from the next hop where unset
  /// What the kernel says beyond the request (RTNH_F_*): read only.
  std::uint32_t flags = 0;

  /// "10.0.1.0/24", "10.0.1.0/24 table 100"
  [[nodiscard]] std::string to_string() const;
};

/// What to do where a route of the same destination, table and metric exists.
enum class RouteWrite : std::uint8_t { kAdd, kReplace };

/// The request for a route. Errors of content (families that do not fit) are the kernel's.
[[nodiscard]] Message route_message(const Route& route, RouteWrite write);
/// Deletes by destination, table, metric and, where given, protocol, type and next hop.
[[nodiscard]] Message route_delete_message(const Route& route);

/// kAdd: errno_value EEXIST where there is one.
[[nodiscard]] Result<void> add_route(Socket& socket, const Route& route);
[[nodiscard]] Result<void> replace_route(Socket& socket, const Route& route);
/// errno_value ESRCH where it is not there.
[[nodiscard]] Result<void> delete_route(Socket& socket, const Route& route);

[[nodiscard]] std::optional<Route> parse_route(const nlmsghdr& message);

struct RouteFilter {
  std::optional<Family> family = {};
  std::optional<TableId> table = {};
  std::optional<RouteProtocol> protocol = {};
  std::optional<IfIndex> link = {};
};
/// Filtered by the kernel; routes of a nexthop object carry the object's id and no next hops of
/// their own.
[[nodiscard]] Result<std::vector<Route>> list_routes(Socket& socket,
                                                     const RouteFilter& filter = {});

/// The route that a packet to `destination` takes (as `ip route get`).
[[nodiscard]] Result<Route> lookup_route(Socket& socket, const IpAddress& destination);

/// The routing table's entry for an address (`ip route get fibmatch`); none where nothing leads
/// there.
[[nodiscard]] Result<std::optional<Route>> match_route(Socket& socket,
                                                       const IpAddress& destination);

}  // namespace sextant::netlink
