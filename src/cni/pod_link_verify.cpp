#include <algorithm>
#include <cerrno>

#include "cni/pod_link.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/sysctl.h"

namespace sextant::cni {
namespace {

using netlink::Link;
using netlink::Netns;
using netlink::Socket;

tl::unexpected<Error> wrong(const std::string& object, const std::string& cause) {
  return failure("check", object, cause, "delete the pod's attachment and add it again");
}

// A device as it should be: there, a veth, up, with its addresses.
Result<Link> verify_device(Socket& socket, const std::string& name, const netlink::MacAddress& mac,
                           std::uint32_t mtu, MtuKnowledge knowledge) {
  const auto found = netlink::find_link(socket, name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return wrong("device " + name, "missing");
  const Link& device = **found;
  if (device.kind != "veth") return wrong("device " + name, "not a veth but '" + device.kind + "'");
  if (!device.is_up()) return wrong("device " + name, "down");
  if (device.mac != mac) {
    return wrong("device " + name,
                 "MAC address " + device.mac.to_string() + " instead of " + mac.to_string());
  }
  if (knowledge == MtuKnowledge::kExact ? device.mtu != mtu : device.mtu > mtu) {
    return wrong("device " + name,
                 "MTU " + std::to_string(device.mtu) + " instead of " + std::to_string(mtu));
  }
  return device;
}

Result<void> verify_neighbor(Socket& socket, const Link& device, const IpAddress& address,
                             const netlink::MacAddress& mac) {
  const auto neighbors = netlink::list_neighbors(socket, device.index);
  if (!neighbors) return tl::unexpected(neighbors.error());
  const bool there =
      std::any_of(neighbors->begin(), neighbors->end(), [&](const netlink::Neighbor& each) {
        return each.address == address && each.mac == mac && each.is_permanent();
      });
  if (there) return {};
  return wrong("permanent neighbor " + address.to_string() + " on " + device.name,
               "missing or with another MAC address");
}

// A sysctl of the calling thread's namespace.
Result<void> verify_sysctl(const std::string& name, const std::string& value) {
  const auto found = netlink::read_sysctl(name);
  if (!found) return tl::unexpected(found.error());
  if (*found == value) return {};
  return failure("check", "sysctl " + name, "is " + *found, "set it to " + value);
}

// A route to exactly `wanted.destination` through `device` and `wanted.gateway`.
Result<void> verify_route(const std::vector<netlink::Route>& routes, const ResultRoute& wanted,
                          const Link& device) {
  const auto table = wanted.table ? netlink::TableId(*wanted.table) : netlink::TableId::kMain;
  const bool there = std::any_of(routes.begin(), routes.end(), [&](const netlink::Route& each) {
    return each.destination == wanted.destination && each.table == table &&
           each.next_hops.size() == 1 && each.next_hops[0].link == device.index &&
           each.next_hops[0].gateway == wanted.gateway &&
           (!wanted.priority || each.metric == *wanted.priority);
  });
  if (there) return {};
  std::string object = "route " + wanted.destination.to_string();
  if (wanted.gateway) object += " via " + wanted.gateway->to_string();
  return wrong(object + " dev " + device.name, "missing");
}

// What a packet to the pod really takes: another route or rule may come before ours.
Result<void> verify_way(Socket& host, const IpAddress& address, const Link& device) {
  const auto taken = netlink::lookup_route(host, address);
  if (!taken) return tl::unexpected(taken.error());
  if (taken->next_hops.size() == 1 && taken->next_hops[0].link == device.index) return {};
  return failure("check", "route to " + address.to_string(),
                 "does not lead to " + device.name + " but is " + to_string(taken->type) + " " +
                     taken->to_string(),
                 "remove the route or rule that comes before the pod's");
}

Result<Link> verify_pod(const Netns& pod, const PodLink& link, MtuKnowledge mtu) {
  auto made = pod.run([] { return Socket::make(); });
  if (!made) return tl::unexpected(made.error());
  Socket socket = std::move(*made);
  const auto device = verify_device(socket, link.ifname, link.names.pod_mac, link.mtu, mtu);
  if (!device) return device;
  const auto addresses = netlink::list_addresses(socket, {.link = device->index});
  if (!addresses) return tl::unexpected(addresses.error());
  for (const IpAddress& address : link.addresses) {
    const bool there =
        std::any_of(addresses->begin(), addresses->end(),
                    [&](const netlink::InterfaceAddress& each) { return each.address == address; });
    if (!there) return wrong("address " + address.to_string() + " on " + link.ifname, "missing");
    auto done = verify_neighbor(socket, *device, gateway(address.family()), link.names.host_mac);
    if (!done) return tl::unexpected(done.error());
  }
  const auto routes = netlink::list_routes(socket);
  if (!routes) return tl::unexpected(routes.error());
  for (const ResultRoute& route : pod_routes(link)) {
    auto done = verify_route(*routes, route, *device);
    if (!done) return tl::unexpected(done.error());
  }
  return device;
}

}  // namespace

Result<void> verify(Socket& host, const Netns& pod, const PodLink& link, MtuKnowledge mtu) {
  const auto pod_device = verify_pod(pod, link, mtu);
  if (!pod_device) return tl::unexpected(pod_device.error());
  const auto device = verify_device(host, link.names.host, link.names.host_mac, pod_device->mtu,
                                    MtuKnowledge::kExact);
  if (!device) return tl::unexpected(device.error());
  if (device->peer != pod_device->index) {
    return wrong("device " + device->name, "not the other end of the pod's " + link.ifname);
  }
  for (const Link& end : {*device, *pod_device}) {
    if (!end.is_running()) return wrong("device " + end.name, "up, but without carrier");
  }
  const auto routes = netlink::list_routes(host, {.link = device->index});
  if (!routes) return tl::unexpected(routes.error());
  for (const IpAddress& address : link.addresses) {
    const std::string folder = address.is_v4() ? "net/ipv4/conf/" : "net/ipv6/conf/";
    // IPv4 forwards by the device where a packet comes in, IPv6 by the node as a whole.
    auto done =
        verify_sysctl(folder + (address.is_v4() ? device->name : "all") + "/forwarding", "1");
    if (done) done = verify_route(*routes, {.destination = IpPrefix::host(address)}, *device);
    if (done) done = verify_way(host, address, *device);
    if (done) done = verify_neighbor(host, *device, address, link.names.pod_mac);
    if (!done) return done;
  }
  return {};
}

}  // namespace sextant::cni
