// A pod's attachment to its node: a veth pair, host routes on the node, a link-local gateway in the
// pod.
//
//   node: sxp0123456789a  <-- veth -->  eth0 :pod
//     172.16.0.2/32 dev sxp... proto 201      172.16.0.2/32
//     neighbor 172.16.0.2 permanent           default via 169.254.1.1 onlink, neighbor permanent
//     (the same for IPv6, gateway fe80::1)
//     alias NETWORK/CONTAINERID/IFNAME
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
#include "cni/attachment_result.h"
#include "cni/network_config.h"
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
[[nodiscard]] LinkNames link_names(const Owner& owner);

struct PodLink {
  LinkNames names;
  std::string ifname;  // in the pod
  std::string alias;   // link_alias()
  std::uint32_t mtu = 0;
  std::vector<IpAddress> addresses = {};
  /// Beyond the default route of each family, or in place of it. Their gateway is always ours.
  std::vector<ResultRoute> routes = {};
};

/// The host end's alias says whose it is: GC must know without a file of our own.
[[nodiscard]] std::string link_alias(const std::string& network, const Owner& owner);

// The three steps of ADD. `host`: a socket in the node's namespace, in which the caller runs. Only
// create() undoes what it did where it fails; after a later step the caller calls detach().

/// Both devices, down. As long as an attachment lives, its host end is there, from before its
/// address is leased: that is how a stale lease is told from a living one.
[[nodiscard]] Result<void> create(netlink::Socket& host, const netlink::Netns& pod,
                                  const PodLink& link);
/// Both ends up with carrier. Needs no addresses, so that the IPAM plugin can run meanwhile.
[[nodiscard]] Result<void> bring_up(netlink::Socket& host, const netlink::Netns& pod,
                                    const PodLink& link);
/// Addresses, neighbors and routes.
[[nodiscard]] Result<void> configure(netlink::Socket& host, const netlink::Netns& pod,
                                     const PodLink& link);

/// Takes the routes to the pod away; a device that is not there is no error. Quick, while removing
/// the device waits for every processor (RCU).
[[nodiscard]] Result<void> take_down(netlink::Socket& host, const std::string& host_name);
/// Removes the attachment; one that is not there is no error. The pod's side and the routes go with
/// the device.
[[nodiscard]] Result<void> detach(netlink::Socket& host, const std::string& host_name);

/// The owners of this network's host ends, as their aliases say.
[[nodiscard]] Result<std::vector<Owner>> list_owners(netlink::Socket& host,
                                                     const std::string& network);

/// How the attachment's MTU is compared: exactly where ADD's is known, else with what a new pod
/// would get: less is fine (the underlay's has grown since), more is damage.
enum class MtuKnowledge { kExact, kAtMost };

/// Compares what is there with `link`; the first difference is the error.
[[nodiscard]] Result<void> verify(netlink::Socket& host, const netlink::Netns& pod,
                                  const PodLink& link, MtuKnowledge mtu);

/// The routes that a pod gets: the default of each family that it has an address of, and `routes`,
/// without repeats.
[[nodiscard]] std::vector<ResultRoute> pod_routes(const PodLink& link);

}  // namespace sextant::cni
