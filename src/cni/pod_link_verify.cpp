#include <algorithm>
#include <cerrno>

#include "cni/pod_link.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/route.h"

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
                           std::uint32_t mtu) {
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
  if (mtu != 0 && device.mtu != mtu) {
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

// A route in the main table to exactly `destination` through `device` and `gateway`.
Result<void> verify_route(const std::vector<netlink::Route>& routes, const IpPrefix& destination,
                          const Link& device, const std::optional<IpAddress>& gateway) {
  const bool there = std::any_of(routes.begin(), routes.end(), [&](const netlink::Route& each) {
    return each.destination == destination && each.next_hops.size() == 1 &&
           each.next_hops[0].link == device.index && each.next_hops[0].gateway == gateway;
  });
  if (there) return {};
  std::string object = "route " + destination.to_string();
  if (gateway) object += " via " + gateway->to_string();
  return wrong(object + " dev " + device.name, "missing");
}

Result<Link> verify_pod(const Netns& pod, const PodLink& link) {
  auto made = pod.run([] { return Socket::make(); });
  if (!made) return tl::unexpected(made.error());
  Socket socket = std::move(*made);
  const auto device = verify_device(socket, link.ifname, link.names.pod_mac, link.mtu);
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
  const auto routes = netlink::list_routes(socket, {.table = netlink::TableId::kMain});
  if (!routes) return tl::unexpected(routes.error());
  for (const IpPrefix& destination : pod_routes(link)) {
    auto done = verify_route(*routes, destination, *device, gateway(destination.family()));
    if (!done) return tl::unexpected(done.error());
  }
  return device;
}

}  // namespace

Result<void> verify(Socket& host, const Netns& pod, const PodLink& link) {
  const auto pod_device = verify_pod(pod, link);
  if (!pod_device) return tl::unexpected(pod_device.error());
  const auto host_device = verify_device(host, link.names.host, link.names.host_mac, link.mtu);
  if (!host_device) return tl::unexpected(host_device.error());
  if (host_device->peer != pod_device->index) {
    return wrong("device " + link.names.host, "not the other end of the pod's " + link.ifname);
  }
  const auto routes = netlink::list_routes(host, {.table = netlink::TableId::kMain,
                                                  .protocol = netlink::RouteProtocol::kSextantCni,
                                                  .link = host_device->index});
  if (!routes) return tl::unexpected(routes.error());
  for (const IpAddress& address : link.addresses) {
    auto done = verify_route(*routes, IpPrefix::host(address), *host_device, std::nullopt);
    if (!done) return done;
    if (done = verify_neighbor(host, *host_device, address, link.names.pod_mac); !done) return done;
  }
  return {};
}

}  // namespace sextant::cni
