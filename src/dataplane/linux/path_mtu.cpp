#include "dataplane/linux/path_mtu.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "dataplane/linux/netlink/mtu.h"

namespace sextant::dataplane {
namespace {

constexpr std::uint8_t kPacketTooBig = 2;
constexpr std::uint8_t kRoutingHeader = 43, kInnerIpv4 = 4, kInnerIpv6 = 41;
constexpr std::uint32_t kSmallestIpv4Mtu = 576;  // RFC 791: what every host takes
constexpr std::size_t kBurst = 64;               // a flood of errors must not hold up the loop

std::optional<IpAddress> inner_destination(ByteReader& packet, std::uint8_t protocol) {
  if (protocol == kInnerIpv4) {
    packet.take(16);
    const auto destination = packet.ipv4();
    if (packet.ok()) return destination;
  } else if (protocol == kInnerIpv6) {
    packet.take(24);
    const auto destination = packet.ipv6();
    if (packet.ok()) return destination;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PathMtu> parse_packet_too_big(std::span<const std::uint8_t> icmp,
                                            const Ipv6Address& source) {
  ByteReader message(icmp);
  const auto type = message.u8();
  message.take(3);  // code, checksum (which the kernel has verified)
  const auto mtu = message.u32();
  if (!message.ok() || type != kPacketTooBig || mtu < netlink::kMinimumPodMtu) return std::nullopt;

  ByteReader outer = message.sub(message.remaining());  // the packet in error, from its IPv6 header
  outer.take(6);
  auto protocol = outer.u8();
  outer.take(1);
  if (outer.ipv6() != source) return std::nullopt;
  outer.take(16);
  if (protocol ==
      kRoutingHeader) {  // RFC 8754 section 2: length in 8 bytes, not counting the first
    protocol = outer.u8();
    const std::size_t length = outer.u8();
    outer.take(6 + length * 8);
  }
  const auto overhead = static_cast<std::uint32_t>(outer.position());
  const auto destination = inner_destination(outer, protocol);
  if (!destination || overhead >= mtu) return std::nullopt;
  const std::uint32_t least = destination->is_v4() ? kSmallestIpv4Mtu : netlink::kMinimumPodMtu;
  return PathMtu{.inner_destination = *destination, .inner_mtu = std::max(mtu - overhead, least)};
}

Result<PacketTooBigSocket> PacketTooBigSocket::make() {
  UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  if (!fd) {
    auto error = system_error("hear Packet Too Big errors", "", errno);
    error.value().hint = "run as root or with CAP_NET_RAW";
    return error;
  }
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(kPacketTooBig, &filter);
  if (::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) != 0) {
    return system_error("hear Packet Too Big errors", "", errno);
  }
  return PacketTooBigSocket(std::move(fd));
}

void PacketTooBigSocket::receive(const Ipv6Address& source,
                                 const std::function<void(const PathMtu&)>& handler) {
  std::array<std::uint8_t, 1500> buffer;
  for (std::size_t i = 0; i < kBurst; ++i) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return;  // EAGAIN: that was all; anything else comes again with the next error
    const auto learned =
        parse_packet_too_big({buffer.data(), static_cast<std::size_t>(size)}, source);
    if (learned) handler(*learned);
  }
}

}  // namespace sextant::dataplane
