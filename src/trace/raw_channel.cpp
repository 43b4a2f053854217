#include "trace/raw_channel.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "trace/capture_filter.h"

namespace sextant::trace {
namespace {

constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kLargestPacket = 65536;
constexpr int kFlowInfoSend = 33;  // IPV6_FLOWINFO_SEND of linux/in6.h, which netinet/in.h excludes

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint32_t flow_label = 0) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, address.bytes().data(), sizeof in.sin_addr);
    std::memcpy(&result.storage, &in, sizeof in);
    result.length = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_flowinfo = htonl(flow_label);
    std::memcpy(&in.sin6_addr, address.bytes().data(), sizeof in.sin6_addr);
    std::memcpy(&result.storage, &in, sizeof in);
    result.length = sizeof in;
  }
  return result;
}

Result<void> set(const UniqueFd& socket, int level, int option, int value, const char* name) {
  if (::setsockopt(socket.get(), level, option, &value, sizeof value) == 0) return {};
  return system_error("set socket option", name, errno);
}

tl::unexpected<Error> socket_error(const char* what) {
  auto error = system_error("open", what, errno);
  if (errno == EPERM || errno == EACCES)
    error.value().hint = "a trace sends and hears raw packets: run it as root or with CAP_NET_RAW";
  return error;
}

/// A raw socket whose packets bring their own IP header, and are routed as packets of `source`,
/// which need not be an address of the node.
Result<UniqueFd> sender(const IpAddress& source) {
  const bool v4 = source.is_v4();
  UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket) return socket_error("a raw socket");
  Result<void> done;
  if (v4) {
    done = set(socket, IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND");
  } else {
    done = set(socket, IPPROTO_IPV6, IPV6_HDRINCL, 1, "IPV6_HDRINCL");
    if (done) done = set(socket, IPPROTO_IPV6, IPV6_FREEBIND, 1, "IPV6_FREEBIND");
    // The flow label chooses among equal routes, as it does for what the data plane sends.
    if (done) done = set(socket, IPPROTO_IPV6, kFlowInfoSend, 1, "IPV6_FLOWINFO_SEND");
  }
  if (!done) return tl::unexpected(done.error());
  const auto address = socket_address(source);
  if (::bind(socket.get(), address.get(), address.length) != 0)
    return system_error("send as", source.to_string(), errno);
  return socket;
}

Result<UniqueFd> listener(const IpAddress& source, const IpAddress& destination) {
  // Protocol 0: nothing is heard before the filter is there.
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return socket_error("a packet socket");
  auto filter = capture_filter(source, destination);
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return system_error("filter", "the packet socket", errno);
  // Above the machine's limit only with CAP_NET_ADMIN; the default will do otherwise.
  if (!set(socket, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer, "SO_RCVBUFFORCE"))
    (void)set(socket, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, "SO_RCVBUF");
  sockaddr_ll everything{};
  everything.sll_family = AF_PACKET;
  everything.sll_protocol = htons(ETH_P_ALL);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&everything), sizeof everything) != 0)
    return system_error("hear", "all devices", errno);
  return socket;
}

class RawChannel : public Channel {
 public:
  RawChannel(UniqueFd inner, UniqueFd outer, UniqueFd packets, const Ipv6Address& source)
      : inner_(std::move(inner)),
        outer_(std::move(outer)),
        packets_(std::move(packets)),
        source_(source) {}

  Result<void> send_inner(std::span<const std::uint8_t> packet) override {
    const bool v4 = packet[0] >> 4 == 4;
    const auto to = address_at(packet, v4 ? 16 : 24, v4);
    const auto address = socket_address(to);
    if (::sendto(inner_.get(), packet.data(), packet.size(), 0, address.get(), address.length) < 0)
      return system_error("send a packet to", to.to_string(), errno);
    return {};
  }

  Result<void> send_outer(std::span<const std::uint8_t> packet, Device device) override {
    const auto to = address_at(packet, 24, false);
    const auto label =
        static_cast<std::uint32_t>(packet[1] & 0xf) << 16 | packet[2] << 8 | packet[3];
    auto address = socket_address(to, label);
    iovec bytes{.iov_base = const_cast<std::uint8_t*>(packet.data()), .iov_len = packet.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &address.storage;
    message.msg_namelen = address.length;
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (device.index != 0) {  // RFC 3542 section 6
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      auto* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = IPPROTO_IPV6;
      header->cmsg_type = IPV6_PKTINFO;
      header->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, source_.bytes().data(), sizeof info.ipi6_addr);
      info.ipi6_ifindex = static_cast<unsigned>(device.index);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    if (::sendmsg(outer_.get(), &message, 0) < 0)
      return system_error("send a packet to", to.to_string(), errno);
    return {};
  }

  Result<std::optional<Capture>> receive(Clock::time_point deadline) override {
    for (;;) {
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const auto size = ::recvfrom(packets_.get(), buffer_.data(), buffer_.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &length);
      if (size >= 0) {
        return Capture{.at = Clock::now(),
                       .outgoing = from.sll_pkttype == PACKET_OUTGOING,
                       .device = {from.sll_ifindex},
                       .packet = {buffer_.begin(), buffer_.begin() + size}};
      }
      // ENETDOWN: a device went down; the others are heard on.
      if (errno == EINTR || errno == ENETDOWN) continue;
      if (errno != EAGAIN) return system_error("hear", "the node's devices", errno);
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return std::optional<Capture>{};
      pollfd wait{.fd = packets_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) < 0 &&
          errno != EINTR)
        return system_error("hear", "the node's devices", errno);
    }
  }

 private:
  static IpAddress address_at(std::span<const std::uint8_t> packet, std::size_t offset, bool v4) {
    if (v4) {
      Ipv4Address::Bytes bytes;
      std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(),
                  bytes.begin());
      return Ipv4Address(bytes);
    }
    Ipv6Address::Bytes bytes;
    std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
    return Ipv6Address(bytes);
  }

  UniqueFd inner_, outer_, packets_;
  Ipv6Address source_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kLargestPacket);
};

}  // namespace

Result<std::unique_ptr<Channel>> open_raw_channel(const IpAddress& source,
                                                  const IpAddress& destination,
                                                  const Ipv6Address& encapsulation_source) {
  auto packets = listener(source, destination);
  if (!packets) return tl::unexpected(packets.error());
  auto inner = sender(source);
  if (!inner) return tl::unexpected(inner.error());
  auto outer = sender(encapsulation_source);
  if (!outer) return tl::unexpected(outer.error());
  return std::make_unique<RawChannel>(std::move(*inner), std::move(*outer), std::move(*packets),
                                      encapsulation_source);
}

}  // namespace sextant::trace
