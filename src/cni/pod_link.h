// A pod's attachment to its node: a veth pair, host routes on the node, a link-local gateway in the
// pod.
//
//   node: sxp0123456789a  <-- veth -->  eth0 :pod
//     172.16.0.2/32 dev sxp... proto 201      172.16.0.2/32
//     neighbor 172.16.0.2 permanent           default via 169.254.1.1 onlink, neighbor permanent
//     (the same for IPv6, gateway fe80::1)
//
// Nothing is resolved or probed: neighbors are permanent on both sides, IPv6 addresses skip
// duplicate address detection (the IPAM plugin's lease makes them unique). So the first packet
// passes, and no proxy ARP is needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/mac_address.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::cni {

/// The pod's next hop: 169.254.1.1 or fe80::1.
[[nodiscard]] IpAddress gateway(Family family);

/// What an attachment is called, derived from (container id, interface name): DEL needs no memory
/// of ADD.
struct LinkNames {
  std::string host;  // "sxp" and 11 hex digits
  /// Fixed addresses: one that the kernel chose could be changed by udev
  /// (MACAddressPolicy=persistent) under our permanent neighbor entries.
  netlink::MacAddress host_mac;
  netlink::MacAddress pod_mac;
};
[[nodiscard]] LinkNames link_names(const std::string& container_id, const std::string& ifname);

struct PodLink {
  LinkNames names;
  std::string ifname;  // in the pod
  std::uint32_t mtu = 0;
  std::vector<IpAddress> addresses;
  /// Beyond the default route of each family.
  std::vector<IpPrefix> routes = {};
};

/// Makes the whole attachment. Where a step fails, nothing is left behind.
/// `host`: a socket in the node's namespace, in which the caller runs.
[[nodiscard]] Result<void> attach(netlink::Socket& host, const netlink::Netns& pod,
                                  const PodLink& link);

/// Removes it; one that is not there is no error. The pod's side and the routes go with the device.
[[nodiscard]] Result<void> detach(netlink::Socket& host, const std::string& host_name);

/// Compares what is there with `link`; the first difference is the error. `mtu` 0 is not compared.
[[nodiscard]] Result<void> verify(netlink::Socket& host, const netlink::Netns& pod,
                                  const PodLink& link);

/// The routes that a pod gets: the default of each family that it has an address of, and `routes`,
/// without repeats.
[[nodiscard]] std::vector<IpPrefix> pod_routes(const PodLink& link);

}  // namespace sextant::cni
