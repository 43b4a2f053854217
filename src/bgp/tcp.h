// What BGP asks of its sockets beyond TCP: MD5 signatures (RFC 2385), GTSM (RFC 5082), devices.
// Private to this room.
//
// Linux. Every error names the option, the peer and what the kernel said.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::bgp {

/// Segments to and from `peer` carry signatures, and those without are dropped. Of a listening
/// socket too, which then takes the prefix's connections only with them. An empty password takes
/// the key away; a key that is not there is no error.
[[nodiscard]] Result<void> set_md5(int fd, const IpPrefix& peer, const std::string& password);

/// Sends with TTL 255 and drops what comes from further than `hops` (1: the same link).
[[nodiscard]] Result<void> set_gtsm(int fd, sextant::Family family, std::uint8_t hops);
[[nodiscard]] Result<void> set_ttl(int fd, sextant::Family family, std::uint8_t ttl);
[[nodiscard]] Result<void> bind_device(int fd, const std::string& device);
/// Internetwork control (CS6, RFC 4594 section 3.1), and no delay.
[[nodiscard]] Result<void> set_routing_socket(int fd, sextant::Family family);
/// For link-local addresses.
[[nodiscard]] Result<std::uint32_t> device_index(const std::string& device);

}  // namespace sextant::bgp
