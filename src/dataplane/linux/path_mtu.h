// What the underlay can carry further on: routers' Packet Too Big errors, which go to the source of
// the outer header.
//
// The kernel knows no tunnel there and drops them. Read here, they become the MTU of the host's
// route to the inner destination, so that the next packet that is too big is answered to the pod
// (RFC 4459 section 3.2).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/ip.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::dataplane {

struct PathMtu {
  IpAddress inner_destination;
  std::uint32_t inner_mtu = 0;  // bytes of an inner packet
  friend bool operator==(const PathMtu&, const PathMtu&) = default;
};

/// From an ICMPv6 message (RFC 4443 section 3.2) about an SRv6 packet whose outer source is
/// `source`. None: about anything else, truncated before the inner destination, or with an MTU
/// below IPv6's 1280.
[[nodiscard]] std::optional<PathMtu> parse_packet_too_big(std::span<const std::uint8_t> icmp,
                                                          const Ipv6Address& source);

class PacketTooBigSocket {
 public:
  /// Of the calling thread's namespace. Needs CAP_NET_RAW.
  [[nodiscard]] static Result<PacketTooBigSocket> make();
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Everything that has arrived, without waiting.
  void receive(const Ipv6Address& source, const std::function<void(const PathMtu&)>& handler);

 private:
  explicit PacketTooBigSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sextant::dataplane
