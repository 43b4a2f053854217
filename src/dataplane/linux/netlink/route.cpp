#include "dataplane/linux/netlink/route.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/linux/netlink/attributes.h"

namespace sextant::netlink {
namespace {

// As iproute2 chooses it: IPv4 knows scopes, IPv6 ignores them.
std::uint8_t natural_scope(const Route& route) {
  if (route.destination.family() == Family::kIpv6) return RT_SCOPE_UNIVERSE;
  if (route.type == RouteType::kLocal) return RT_SCOPE_HOST;
  const bool through_gateway =
      route.nexthop != NexthopId::kNone || route.next_hops.empty() ||
      std::any_of(route.next_hops.begin(), route.next_hops.end(),
                  [](const NextHop& hop) { return hop.gateway.has_value(); });
  return through_gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

void put_gateway(Message& message, Family family, const IpAddress& gateway) {
  if (gateway.family() == family) {
    message.address(RTA_GATEWAY, gateway);
    return;
  }
  // struct rtvia: the address family, then the address.
  std::vector<std::uint8_t> via(sizeof(std::uint16_t));
  const std::uint16_t via_family = address_family(gateway.family());
  std::memcpy(via.data(), &via_family, sizeof via_family);
  via.insert(via.end(), gateway.bytes().begin(), gateway.bytes().end());
  message.bytes(RTA_VIA, via);
}

void put_next_hops(Message& message, const Route& route) {
  const Family family = route.destination.family();
  if (route.nexthop != NexthopId::kNone) {
    message.u32(RTA_NH_ID, number(route.nexthop));
  } else if (route.next_hops.size() == 1) {
    const NextHop& hop = route.next_hops.front();
    if (hop.gateway) put_gateway(message, family, *hop.gateway);
    if (hop.link != IfIndex::kNone) message.u32(RTA_OIF, number(hop.link));
  } else if (!route.next_hops.empty()) {
    auto multipath = message.nest(RTA_MULTIPATH);
    for (const NextHop& hop : route.next_hops) {
      const std::size_t at = message.wire().size();
      message.append(
          rtnexthop{.rtnh_flags = static_cast<std::uint8_t>(hop.onlink ? RTNH_F_ONLINK : 0),
                    .rtnh_hops = static_cast<std::uint8_t>(std::clamp<int>(hop.weight, 1, 256) - 1),
                    .rtnh_ifindex = static_cast<int>(number(hop.link))});
      if (hop.gateway) put_gateway(message, family, *hop.gateway);
      message.patch(at, static_cast<std::uint16_t>(message.wire().size() - at));
    }
  }
}

rtmsg route_header(const Route& route) {
  rtmsg header{.rtm_family = address_family(route.destination.family()),
               .rtm_dst_len = route.destination.length(),
               .rtm_table = RT_TABLE_UNSPEC,
               .rtm_protocol = number(route.protocol),
               .rtm_scope = route.scope.value_or(natural_scope(route)),
               .rtm_type = static_cast<std::uint8_t>(route.type)};
  if (route.next_hops.size() == 1 && route.next_hops.front().onlink) {
    header.rtm_flags = RTNH_F_ONLINK;
  }
  return header;
}

void put_destination(Message& message, const Route& route) {
  // The default route has no RTA_DST: its length of 0 says it.
  if (route.destination.length() != 0) message.address(RTA_DST, route.destination.address());
  message.u32(RTA_TABLE, number(route.table));
  if (route.metric != 0) message.u32(RTA_PRIORITY, route.metric);
}

std::optional<IpAddress> gateway_of(const Attributes& attributes) {
  if (auto gateway = attributes.address(RTA_GATEWAY)) return gateway;
  const auto via = attributes.bytes(RTA_VIA);
  if (!via || via->size() < sizeof(std::uint16_t)) return std::nullopt;
  const auto bytes = via->subspan(sizeof(std::uint16_t));
  if (bytes.size() == 4) {
    Ipv4Address::Bytes address{};
    std::copy(bytes.begin(), bytes.end(), address.begin());
    return Ipv4Address(address);
  }
  if (bytes.size() == 16) {
    Ipv6Address::Bytes address{};
    std::copy(bytes.begin(), bytes.end(), address.begin());
    return Ipv6Address(address);
  }
  return std::nullopt;
}

std::vector<NextHop> parse_multipath(std::span<const std::uint8_t> payload) {
  std::vector<NextHop> hops;
  while (payload.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, payload.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > payload.size()) break;
    const Attributes attributes(payload.subspan(sizeof hop, hop.rtnh_len - sizeof hop));
    hops.push_back({.gateway = gateway_of(attributes),
                    .link = IfIndex(static_cast<std::uint32_t>(hop.rtnh_ifindex)),
                    .weight = static_cast<std::uint16_t>(hop.rtnh_hops + 1),
                    .onlink = (hop.rtnh_flags & RTNH_F_ONLINK) != 0});
    payload = payload.subspan(std::min<std::size_t>(payload.size(), RTNH_ALIGN(hop.rtnh_len)));
  }
  return hops;
}

}  // namespace

std::string to_string(RouteProtocol protocol) {
  switch (number(protocol)) {
    case RTPROT_KERNEL:
      return "kernel";
    case RTPROT_BOOT:
      return "boot";
    case RTPROT_STATIC:
      return "static";
    case RTPROT_RA:
      return "ra";
    case RTPROT_ZEBRA:
      return "zebra";
    case RTPROT_BIRD:
      return "bird";
    case RTPROT_DHCP:
      return "dhcp";
    case RTPROT_KEEPALIVED:
      return "keepalived";
    case RTPROT_BABEL:
      return "babel";
    case RTPROT_BGP:
      return "bgp";
    case RTPROT_ISIS:
      return "isis";
    case RTPROT_OSPF:
      return "ospf";
    case RTPROT_RIP:
      return "rip";
    case RTPROT_EIGRP:
      return "eigrp";
    default:
      break;
  }
  if (protocol == RouteProtocol::kSextant) return "sextant";
  if (protocol == RouteProtocol::kSextantCni) return "sextant-cni";
  return "proto " + std::to_string(number(protocol));
}

std::string to_string(RouteType type) {
  switch (type) {
    case RouteType::kUnicast:
      return "unicast";
    case RouteType::kLocal:
      return "local";
    case RouteType::kBroadcast:
      return "broadcast";
    case RouteType::kAnycast:
      return "anycast";
    case RouteType::kMulticast:
      return "multicast";
    case RouteType::kBlackhole:
      return "blackhole";
    case RouteType::kUnreachable:
      return "unreachable";
    case RouteType::kProhibit:
      return "prohibit";
  }
  return "type " + std::to_string(static_cast<int>(type));
}

std::string Route::to_string() const {
  std::string text = destination.to_string();
  if (table != TableId::kMain) text += " table " + std::to_string(number(table));
  return text;
}

Message route_message(const Route& route, RouteWrite write) {
  const int flags = NLM_F_CREATE | (write == RouteWrite::kAdd ? NLM_F_EXCL : NLM_F_REPLACE);
  Message message(RTM_NEWROUTE, static_cast<std::uint16_t>(flags), route_header(route));
  put_destination(message, route);
  put_next_hops(message, route);
  if (route.preferred_source) message.address(RTA_PREFSRC, *route.preferred_source);
  if (route.mtu || route.advmss) {
    auto metrics = message.nest(RTA_METRICS);
    if (route.mtu) message.u32(RTAX_MTU, *route.mtu);
    if (route.advmss) message.u32(RTAX_ADVMSS, *route.advmss);
  }
  return message;
}

Message route_delete_message(const Route& route) {
  rtmsg header = route_header(route);
  header.rtm_scope = route.scope.value_or(RT_SCOPE_NOWHERE);
  Message message(RTM_DELROUTE, 0, header);
  put_destination(message, route);
  put_next_hops(message, route);
  return message;
}

Result<void> add_route(Socket& socket, const Route& route) {
  Message message = route_message(route, RouteWrite::kAdd);
  return socket.request(std::move(message.about(route.to_string())));
}

Result<void> replace_route(Socket& socket, const Route& route) {
  Message message = route_message(route, RouteWrite::kReplace);
  return socket.request(std::move(message.about(route.to_string())));
}

Result<void> delete_route(Socket& socket, const Route& route) {
  Message message = route_delete_message(route);
  return socket.request(std::move(message.about(route.to_string())));
}

std::optional<Route> parse_route(const nlmsghdr& message) {
  const auto* header = fixed_header<rtmsg>(message);
  if (header == nullptr ||
      (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) ||
      (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of<rtmsg>(message);
  const IpAddress any =
      header->rtm_family == AF_INET ? IpAddress(Ipv4Address{}) : IpAddress(Ipv6Address{});
  Route route;
  route.destination = IpPrefix(attributes.address(RTA_DST).value_or(any), header->rtm_dst_len);
  route.table = TableId(attributes.u32(RTA_TABLE).value_or(header->rtm_table));
  route.protocol = RouteProtocol(header->rtm_protocol);
  route.type = RouteType(header->rtm_type);
  route.metric = attributes.u32(RTA_PRIORITY).value_or(0);
  route.nexthop = NexthopId(attributes.u32(RTA_NH_ID).value_or(0));
  route.preferred_source = attributes.address(RTA_PREFSRC);
  route.mtu = attributes.nest(RTA_METRICS).u32(RTAX_MTU);
  route.advmss = attributes.nest(RTA_METRICS).u32(RTAX_ADVMSS);
  route.scope = header->rtm_scope;
  route.flags = header->rtm_flags;
  if (route.nexthop != NexthopId::kNone) return route;
  if (const auto multipath = attributes.bytes(RTA_MULTIPATH)) {
    route.next_hops = parse_multipath(*multipath);
  } else {
    NextHop hop{.gateway = gateway_of(attributes),
                .link = IfIndex(attributes.u32(RTA_OIF).value_or(0)),
                .onlink = (header->rtm_flags & RTNH_F_ONLINK) != 0};
    if (hop.gateway || hop.link != IfIndex::kNone) route.next_hops.push_back(hop);
  }
  return route;
}

Result<std::vector<Route>> list_routes(Socket& socket, const RouteFilter& filter) {
  std::vector<Route> routes;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (filter.family && *filter.family != family) continue;
    rtmsg header{.rtm_family = address_family(family)};
    if (filter.protocol) header.rtm_protocol = number(*filter.protocol);
    Message message(RTM_GETROUTE, 0, header);
    if (filter.table) message.u32(RTA_TABLE, number(*filter.table));
    if (filter.link) message.u32(RTA_OIF, number(*filter.link));
    auto done = socket.dump(std::move(message), [&](const nlmsghdr& reply) {
      if (auto route = parse_route(reply)) routes.push_back(std::move(*route));
    });
    // ENOENT: nobody has put a route into that table yet, so it does not exist.
    if (!done && done.error().errno_value != ENOENT) return tl::unexpected(done.error());
  }
  return routes;
}

Result<Route> lookup_route(Socket& socket, const IpAddress& destination) {
  rtmsg header{.rtm_family = address_family(destination.family()),
               .rtm_dst_len = address_bits(destination.family())};
  // IPv4 would name the main table whatever the table is; IPv6 always names the right one and
  // refuses the flag.
  if (destination.is_v4()) header.rtm_flags = RTM_F_LOOKUP_TABLE;
  Message message(RTM_GETROUTE, 0, header);
  message.address(RTA_DST, destination).about("to " + destination.to_string());
  std::optional<Route> route;
  auto done = socket.request(std::move(message),
                             [&](const nlmsghdr& reply) { route = parse_route(reply); });
  if (!done) return tl::unexpected(done.error());
  if (!route) return failure("look up route", destination.to_string(), "no answer of the kernel");
  return *route;
}

Result<std::optional<Route>> match_route(Socket& socket, const IpAddress& address) {
  // IPv6 always names the route's table, and refuses to be asked to.
  const unsigned flags = address.is_v4() ? RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE : RTM_F_FIB_MATCH;
  Message message(RTM_GETROUTE, 0,
                  rtmsg{.rtm_family = address_family(address.family()),
                        .rtm_dst_len = address_bits(address.family()),
                        .rtm_flags = flags});
  message.address(RTA_DST, address).about(address.to_string());
  std::optional<Route> route;
  const auto done = socket.request(std::move(message),
                                   [&](const nlmsghdr& reply) { route = parse_route(reply); });
  // ENETUNREACH: nothing leads there
  if (!done && done.error().errno_value != ENETUNREACH) return tl::unexpected(done.error());
  return route;
}

}  // namespace sextant::netlink
