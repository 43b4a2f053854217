#include "cni/pod_link.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/message.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/sysctl.h"

namespace sextant::cni {
namespace {

using netlink::IfIndex;
using netlink::Link;
using netlink::Netns;
using netlink::Socket;

// What is awaited comes within milliseconds; this only bounds a machine that hardly runs.
constexpr std::chrono::seconds kKernelLimit{5};

// FNV-1a, 64 bits: the same on every machine and in every release, as names derived from it must
// be.
std::uint64_t stable_hash(std::string_view text, std::uint64_t state = 0xcbf29ce484222325ULL) {
  for (const char c : text) {
    state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return state;
}

// Locally administered, unicast.
netlink::MacAddress derived_mac(std::uint64_t hash) {
  netlink::MacAddress::Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  }
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0xfc) | 0x02);
  return netlink::MacAddress(bytes);
}

bool has_family(const PodLink& link, Family family) {
  return std::any_of(link.addresses.begin(), link.addresses.end(),
                     [&](const IpAddress& address) { return address.family() == family; });
}

Result<void> set(const std::string& sysctl, const std::string& value) {
  const auto written = netlink::write_sysctl(sysctl, value);
  if (!written) return tl::unexpected(written.error());
  return {};
}

std::string ipv4_sysctl(const std::string& device, const std::string& name) {
  return "net/ipv4/conf/" + device + "/" + name;
}
std::string ipv6_sysctl(const std::string& device, const std::string& name) {
  return "net/ipv6/conf/" + device + "/" + name;
}

// Before the device comes up. Comforts: kernels without IPv6 have no such sysctls.
void quiet_ipv6(const std::string& device) {
  (void)set(ipv6_sysctl(device, "accept_dad"), "0");
  (void)set(ipv6_sysctl(device, "accept_ra"), "0");
}

netlink::Neighbor neighbor(IfIndex link, const IpAddress& address, const netlink::MacAddress& mac) {
  return {.link = link, .address = address, .mac = mac};
}

netlink::Route host_route(IfIndex device, const IpAddress& address) {
  return {.destination = IpPrefix::host(address),
          .protocol = netlink::RouteProtocol::kSextantCni,
          .next_hops = {{.link = device}}};
}

netlink::Route pod_route(IfIndex device, const ResultRoute& wanted) {
  const Family family = wanted.destination.family();
  return {.destination = wanted.destination,
          .table = wanted.table ? netlink::TableId(*wanted.table) : netlink::TableId::kMain,
          .protocol = netlink::RouteProtocol::kBoot,
          .metric = wanted.priority.value_or(0),
          .next_hops = {{.gateway = gateway(family), .link = device, .onlink = true}},
          .mtu = wanted.mtu,
          .advmss = wanted.advmss};
}

Result<void> configure_pod(const Netns& pod, const PodLink& link) {
  return pod.run([&]() -> Result<void> {
    auto socket = Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    const auto device = netlink::get_link(*socket, link.ifname);
    if (!device) return tl::unexpected(device.error());
    if (has_family(link, Family::kIpv6)) {
      if (auto done = set(ipv6_sysctl(link.ifname, "disable_ipv6"), "0"); !done) return done;
    }
    for (const IpAddress& address : link.addresses) {
      auto done =
          netlink::add_address(*socket, {device->index, address, address_bits(address.family())});
      if (!done) return done;
    }
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      if (!has_family(link, family)) continue;
      auto done = netlink::set_permanent_neighbor(
          *socket, neighbor(device->index, gateway(family), link.names.host_mac));
      if (!done) return done;
    }
    for (const ResultRoute& route : pod_routes(link)) {
      auto done = netlink::add_route(*socket, pod_route(device->index, route));
      if (!done) return done;
    }
    for (const IpAddress& address : link.addresses) {
      if (auto done = netlink::await_address(address); !done) return done;
    }
    return {};
  });
}

// fe80::/64 as the kernel makes it for each device: beside those of the others, hence no
// NLM_F_EXCL.
Result<void> add_link_local_route(Socket& host, IfIndex device) {
  const Ipv6Address start({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const netlink::Route route{.destination = IpPrefix(start, 64),
                             .protocol = netlink::RouteProtocol::kKernel,
                             .metric = 256,
                             .next_hops = {{.link = device}}};
  netlink::Message message = netlink::route_message(route, netlink::RouteWrite::kAdd);
  message.header().nlmsg_flags =
      static_cast<std::uint16_t>((message.header().nlmsg_flags & ~NLM_F_EXCL) | NLM_F_APPEND);
  return host.request(std::move(message.about(route.to_string())));
}

Result<void> configure_host(Socket& host, const PodLink& link) {
  const auto device = netlink::get_link(host, link.names.host);
  if (!device) return tl::unexpected(device.error());
  if (has_family(link, Family::kIpv4)) {
    if (auto done = set(ipv4_sysctl(link.names.host, "forwarding"), "1"); !done) return done;
  }
  if (has_family(link, Family::kIpv6)) {
    for (const auto& [name, value] :
         {std::pair("disable_ipv6", "0"), std::pair("forwarding", "1")}) {
      if (auto done = set(ipv6_sysctl(link.names.host, name), value); !done) return done;
    }
    // The gateway answers, so that a pod can ping it and finds it again after it lost its neighbor
    // entry. A /128 and a route instead of a /64: a router's /64 brings an anycast address, whose
    // route keeps the device from going for another RCU barrier (20 ms) when the pod is deleted.
    auto done = netlink::add_address(
        host, {device->index, gateway(Family::kIpv6), 128, netlink::AddressScope::kLink});
    if (!done) return done;
    done = add_link_local_route(host, device->index);
    // The kernel's own, where it made one all the same.
    if (!done && done.error().errno_value != EEXIST) return done;
  }
  for (const IpAddress& address : link.addresses) {
    auto done =
        netlink::set_permanent_neighbor(host, neighbor(device->index, address, link.names.pod_mac));
    if (!done) return done;
    done = netlink::add_route(host, host_route(device->index, address));
    if (!done && done.error().errno_value == EEXIST) {
      done.error().hint = "something else on this node already routes the pod's address";
    }
    if (!done) return done;
  }
  return {};
}

// The alias is a comfort: GC does without where the kernel refuses it (longer than 255 bytes).
void set_alias(Socket& host, IfIndex device, const std::string& alias) {
  netlink::Message message(RTM_SETLINK, 0,
                           ifinfomsg{.ifi_index = static_cast<int>(netlink::number(device))});
  (void)host.request(std::move(message.text(IFLA_IFALIAS, alias)));
}

}  // namespace

IpAddress gateway(Family family) {
  if (family == Family::kIpv4) return Ipv4Address({169, 254, 1, 1});
  return Ipv6Address({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

LinkNames link_names(const Owner& owner) {
  // '/' is in neither, so that different pairs never give the same text.
  const std::uint64_t hash = stable_hash(owner.container_id + "/" + owner.ifname);
  char digits[12];
  std::snprintf(digits, sizeof digits, "%011llx",
                static_cast<unsigned long long>(hash & 0xfffffffffffULL));
  return {.host = netlink::kPodLinkPrefix + std::string(digits),
          .host_mac = derived_mac(stable_hash("host", hash)),
          .pod_mac = derived_mac(stable_hash("pod", hash))};
}

std::string link_alias(const std::string& network, const Owner& owner) {
  return network + "/" + owner.container_id + "/" + owner.ifname;
}

std::vector<ResultRoute> pod_routes(const PodLink& link) {
  std::vector<ResultRoute> routes;
  const auto add = [&](ResultRoute route) {
    if (!has_family(link, route.destination.family())) return;  // nobody there could use it
    route.gateway = gateway(route.destination.family());
    if (std::find(routes.begin(), routes.end(), route) == routes.end()) routes.push_back(route);
  };
  for (const ResultRoute& route : link.routes) add(route);
  std::vector<ResultRoute> defaults;
  for (const IpPrefix& any : {IpPrefix(Ipv4Address{}, 0), IpPrefix(Ipv6Address{}, 0)}) {
    const bool there = std::any_of(routes.begin(), routes.end(), [&](const ResultRoute& each) {
      return each.destination == any && (!each.table || *each.table == RT_TABLE_MAIN);
    });
    if (has_family(link, any.family()) && !there) {
      defaults.push_back({.destination = any, .gateway = gateway(any.family())});
    }
  }
  routes.insert(routes.begin(), defaults.begin(), defaults.end());
  return routes;
}

Result<void> create(Socket& host, const Netns& pod, const PodLink& link) {
  auto made = netlink::create_veth(
      host, {.name = link.names.host, .mac = link.names.host_mac, .mtu = link.mtu},
      {.name = link.ifname, .netns = &pod, .mac = link.names.pod_mac, .mtu = link.mtu});
  if (!made && made.error().errno_value == EEXIST) {
    made.error().hint = "the pod has a device " + link.ifname + " already, or an earlier ADD of " +
                        "this container was not followed by its DEL";
  }
  return made;
}

Result<void> bring_up(Socket& host, const Netns& pod, const PodLink& link) {
  // No address but the gateway's: nothing else may answer on this end.
  (void)set(ipv6_sysctl(link.names.host, "addr_gen_mode"), "1");
  quiet_ipv6(link.names.host);
  const auto device = netlink::get_link(host, link.names.host);
  if (!device) return tl::unexpected(device.error());
  set_alias(host, device->index, link.alias);
  auto done = netlink::change_link(host, device->index, {.up = true});
  if (!done) return done;
  done = pod.run([&]() -> Result<void> {
    quiet_ipv6(link.ifname);
    auto socket = Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    if (auto up = netlink::set_link_up(*socket, link.ifname); !up) return up;
    return netlink::await_link_up(link.ifname, kKernelLimit);
  });
  if (!done) return done;
  return netlink::await_link_up(link.names.host, kKernelLimit);
}

Result<void> configure(Socket& host, const Netns& pod, const PodLink& link) {
  if (auto done = configure_pod(pod, link); !done) return done;
  return configure_host(host, link);
}

Result<void> take_down(Socket& host, const std::string& host_name) {
  const auto device = netlink::find_link(host, host_name);
  if (!device) return tl::unexpected(device.error());
  if (!*device) return {};
  auto down = netlink::change_link(host, (*device)->index, {.up = false});
  if (!down && down.error().errno_value == ENODEV) return {};
  return down;
}

Result<void> detach(Socket& host, const std::string& host_name) {
  auto deleted = netlink::delete_link(host, host_name);
  if (!deleted && deleted.error().errno_value == ENODEV) return {};
  return deleted;
}

Result<std::vector<Owner>> list_owners(Socket& host, const std::string& network) {
  std::vector<Owner> owners;
  const std::string start = network + "/";
  const auto read = [&](const nlmsghdr& message) {
    const auto attributes = netlink::Attributes::of<ifinfomsg>(message);
    const std::string alias = attributes.text(IFLA_IFALIAS).value_or("");
    const std::size_t slash = alias.rfind('/');
    if (!alias.starts_with(start) || slash < start.size()) return;
    Owner owner{alias.substr(start.size(), slash - start.size()), alias.substr(slash + 1)};
    // Only a device that is named for that owner: an alias alone may be anybody's.
    if (attributes.text(IFLA_IFNAME) == link_names(owner).host) owners.push_back(std::move(owner));
  };
  auto done = host.dump({RTM_GETLINK, 0, ifinfomsg{}}, read);
  if (!done) return tl::unexpected(done.error());
  return owners;
}

}  // namespace sextant::cni
