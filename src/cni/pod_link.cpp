#include "cni/pod_link.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "dataplane/linux/netlink/address.h"
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

// Before the device comes up. Kernels without IPv6 have no such sysctls; pods with IPv6 addresses
// need them.
Result<void> set_ipv6_sysctls(const std::string& device, bool required) {
  const std::string folder = "net/ipv6/conf/" + device + "/";
  for (const auto& [name, value] : {std::pair("disable_ipv6", "0"), std::pair("accept_dad", "0"),
                                    std::pair("accept_ra", "0")}) {
    auto done = set(folder + name, value);
    if (!done && required) return done;
  }
  return {};
}

Result<void> set_host_sysctls(const PodLink& link) {
  const bool v4 = has_family(link, Family::kIpv4), v6 = has_family(link, Family::kIpv6);
  if (v4) {
    if (auto done = set("net/ipv4/conf/" + link.names.host + "/forwarding", "1"); !done) {
      return done;
    }
  }
  if (auto done = set_ipv6_sysctls(link.names.host, v6); !done) return done;
  if (v6) return set("net/ipv6/conf/" + link.names.host + "/forwarding", "1");
  return {};
}

netlink::Neighbor neighbor(IfIndex link, const IpAddress& address, const netlink::MacAddress& mac) {
  return {.link = link, .address = address, .mac = mac};
}

netlink::Route host_route(IfIndex device, const IpAddress& address) {
  return {.destination = IpPrefix::host(address),
          .protocol = netlink::RouteProtocol::kSextantCni,
          .next_hops = {{.link = device}}};
}

netlink::Route pod_route(IfIndex device, const IpPrefix& destination) {
  return {
      .destination = destination,
      .protocol = netlink::RouteProtocol::kBoot,
      .next_hops = {{.gateway = gateway(destination.family()), .link = device, .onlink = true}}};
}

Result<void> configure_pod(const Netns& pod, const PodLink& link) {
  return pod.run([&]() -> Result<void> {
    auto socket = Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    const auto device = netlink::get_link(*socket, link.ifname);
    if (!device) return tl::unexpected(device.error());
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
    for (const IpPrefix& destination : pod_routes(link)) {
      auto done = netlink::add_route(*socket, pod_route(device->index, destination));
      if (!done) return done;
    }
    for (const IpAddress& address : link.addresses) {
      if (auto done = netlink::await_address(address); !done) return done;
    }
    return {};
  });
}

Result<void> configure_host(Socket& host, const PodLink& link) {
  const auto device = netlink::get_link(host, link.names.host);
  if (!device) return tl::unexpected(device.error());
  if (has_family(link, Family::kIpv6)) {
    // The gateway answers, so that a pod can ping it and finds it again after it lost its neighbor
    // entry.
    auto done = netlink::add_address(
        host, {device->index, gateway(Family::kIpv6), 64, netlink::AddressScope::kLink});
    if (!done) return done;
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

// Both ends down, in their namespaces, then up. A device of that name in the pod is an error
// (EEXIST).
Result<void> make_pair(Socket& host, const Netns& pod, const PodLink& link) {
  if (auto done = set_host_sysctls(link); !done) return done;
  auto done =
      pod.run([&] { return set_ipv6_sysctls(link.ifname, has_family(link, Family::kIpv6)); });
  if (!done) return done;
  if (done = netlink::set_link_up(host, link.names.host); !done) return done;
  done = pod.run([&]() -> Result<void> {
    auto socket = Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    if (auto up = netlink::set_link_up(*socket, link.ifname); !up) return up;
    return netlink::await_link_up(link.ifname, kKernelLimit);
  });
  if (!done) return done;
  return netlink::await_link_up(link.names.host, kKernelLimit);
}

}  // namespace

IpAddress gateway(Family family) {
  if (family == Family::kIpv4) return Ipv4Address({169, 254, 1, 1});
  return Ipv6Address({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

LinkNames link_names(const std::string& container_id, const std::string& ifname) {
  // '/' is in neither, so that different pairs never give the same text.
  const std::uint64_t hash = stable_hash(container_id + "/" + ifname);
  char digits[12];
  std::snprintf(digits, sizeof digits, "%011llx",
                static_cast<unsigned long long>(hash & 0xfffffffffffULL));
  return {.host = netlink::kPodLinkPrefix + std::string(digits),
          .host_mac = derived_mac(stable_hash("host", hash)),
          .pod_mac = derived_mac(stable_hash("pod", hash))};
}

std::vector<IpPrefix> pod_routes(const PodLink& link) {
  std::vector<IpPrefix> routes;
  if (has_family(link, Family::kIpv4)) routes.emplace_back(Ipv4Address{}, std::uint8_t{0});
  if (has_family(link, Family::kIpv6)) routes.emplace_back(Ipv6Address{}, std::uint8_t{0});
  for (const IpPrefix& route : link.routes) {
    if (std::find(routes.begin(), routes.end(), route) == routes.end()) routes.push_back(route);
  }
  return routes;
}

Result<void> attach(Socket& host, const Netns& pod, const PodLink& link) {
  auto made = netlink::create_veth(
      host, {.name = link.names.host, .mac = link.names.host_mac, .mtu = link.mtu},
      {.name = link.ifname, .netns = &pod, .mac = link.names.pod_mac, .mtu = link.mtu});
  if (!made) {  // nothing is there that would be ours to remove
    if (made.error().errno_value == EEXIST) {
      made.error().hint = "the pod has a device " + link.ifname +
                          " already, or an earlier ADD of " +
                          "this container was not followed by its DEL";
    }
    return made;
  }
  auto done = make_pair(host, pod, link);
  if (done) done = configure_pod(pod, link);
  if (done) done = configure_host(host, link);
  if (!done) (void)detach(host, link.names.host);  // its error would hide the one that matters
  return done;
}

Result<void> detach(Socket& host, const std::string& host_name) {
  auto deleted = netlink::delete_link(host, host_name);
  if (!deleted && deleted.error().errno_value == ENODEV) return {};
  return deleted;
}

}  // namespace sextant::cni
