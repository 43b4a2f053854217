// The MTU of pods: what is left of the underlay's after the deepest encapsulation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

/// Host ends of pods' veths are named so, and 11 hex digits.
inline constexpr const char* kPodLinkPrefix = "sxp";
/// Devices of Sextant's own on a node.
inline constexpr const char* kOwnLinkPrefix = "sextant";

/// IPv6's minimum link MTU (RFC 8200 section 5): no pod gets less.
inline constexpr std::uint32_t kMinimumPodMtu = 1280;

/// Bytes that encapsulation with `segments` SIDs adds at most: the outer header, and for more than
/// one SID an SRH with all of them (H.Encaps, RFC 8986 section 5.1).
[[nodiscard]] constexpr std::uint32_t encapsulation_bytes(std::size_t segments) {
  constexpr std::uint32_t kIpv6Header = 40, kSrhHeader = 8, kSid = 16;
  if (segments <= 1) return kIpv6Header;
  return kIpv6Header + kSrhHeader + kSid * static_cast<std::uint32_t>(segments);
}

/// Never less than kMinimumPodMtu.
[[nodiscard]] constexpr std::uint32_t pod_mtu(std::uint32_t underlay, std::size_t max_segments) {
  const std::uint32_t overhead = encapsulation_bytes(max_segments);
  return underlay > kMinimumPodMtu + overhead ? underlay - overhead : kMinimumPodMtu;
}

/// The smallest MTU of the underlay devices: up, not loopback, not a pod's host end (`sxp*`), not
/// Sextant's own (`sextant*`), with a global IPv6 address. An Error where there is no such device.
[[nodiscard]] Result<std::uint32_t> underlay_mtu(Socket& socket);

}  // namespace sextant::netlink
