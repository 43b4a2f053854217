// Every name and number by which the data plane knows its own: devices, addresses, tables.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ip.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/mac_address.h"

namespace sextant::dataplane {

// The two veth pairs between the host and its gateway namespace. The host's ends begin with
// `sextant`.
inline constexpr std::string_view kHostInner = "sextant0";
inline constexpr std::string_view kHostOuter = "sextant1";
inline constexpr std::string_view kGatewayInner = "inner";
inline constexpr std::string_view kGatewayOuter = "outer";
inline constexpr std::string_view kPodDevicePrefix = "sxp";

// Locally administered; seen on these two links only, so every node has the same.
inline constexpr netlink::MacAddress kHostInnerMac({0x02, 0x53, 0x58, 0x00, 0x00, 0x01});
inline constexpr netlink::MacAddress kGatewayInnerMac({0x02, 0x53, 0x58, 0x00, 0x00, 0x02});
inline constexpr netlink::MacAddress kHostOuterMac({0x02, 0x53, 0x58, 0x00, 0x01, 0x01});
inline constexpr netlink::MacAddress kGatewayOuterMac({0x02, 0x53, 0x58, 0x00, 0x01, 0x02});

// Next hops on both links, of both families (RFC 8950 style); their neighbor entries are permanent.
inline constexpr Ipv6Address kHostSide({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr Ipv6Address kGatewaySide({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
// End.DX4 wants an IPv4 next hop: in the gateway, this one is the host.
inline constexpr Ipv4Address kHostSideIpv4({169, 254, 83, 1});

// Outer packets pass both links whole, GSO aside; what a pod may send is the capture routes' MTU.
inline constexpr std::uint32_t kLinkMtu = 65535;

// On the host, a route of anybody else to the same prefix wins (and is reported).
inline constexpr std::uint32_t kHostMetric = 20000;
// Where packets from pods are looked up first: other nodes' own addresses.
inline constexpr netlink::TableId kPodsTable{22200};
inline constexpr std::uint32_t kPodsRulePriority = 2200;
// End.X SIDs, before the main table, whose route to the own locator is unreachable.
inline constexpr netlink::TableId kHostSidsTable{22201};
inline constexpr std::uint32_t kHostSidsRulePriority = 2201;

inline constexpr std::uint32_t kGatewayMetric = 1024;
// In the gateway: everything goes to the host (decapsulated packets of End.DT6).
inline constexpr netlink::TableId kDeliverTable{100};
// In the gateway: End.DT46's SIDs for IPv4 inner packets, which nftables marks.
inline constexpr netlink::TableId kInnerIpv4Table{104};
inline constexpr std::uint32_t kInnerIpv4Mark = 4;
inline constexpr std::uint32_t kInnerIpv4RulePriority = 104;

}  // namespace sextant::dataplane
