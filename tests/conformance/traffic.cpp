#include "traffic.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "testbed/netns_socket.h"

namespace sextant::conformance {

namespace {

using Clock = std::chrono::steady_clock;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.address.is_v4()) {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    std::memcpy(&v4->sin_addr, endpoint.address.bytes().data(), 4);
    result.length = sizeof(sockaddr_in);
  } else {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, endpoint.address.bytes().data(), 16);
    result.length = sizeof(sockaddr_in6);
  }
  return result;
}

Endpoint to_endpoint(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address);
    Ipv4Address::Bytes bytes;
    std::memcpy(bytes.data(), &v4->sin_addr, bytes.size());
    return {Ipv4Address(bytes), ntohs(v4->sin_port)};
  }
  const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(address);
  Ipv6Address::Bytes bytes;
  std::memcpy(bytes.data(), &v6->sin6_addr, bytes.size());
  return {Ipv6Address(bytes), ntohs(v6->sin6_port)};
}

Endpoint any(Family family) {
  return family == Family::kIpv4 ? Endpoint{Ipv4Address{}, 0} : Endpoint{Ipv6Address{}, 0};
}

void set_option(const UniqueFd& fd, int level, int option, int value) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) != 0) {
    throw std::runtime_error(fmt::format("setsockopt {} {}: {}", level, option, strerror(errno)));
  }
}

UniqueFd bound_socket(const LabNetns& netns, int type, const Endpoint& local) {
  UniqueFd fd = must(testbed::socket_in_netns(
      netns.name(), local.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK, 0));
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  SocketAddress address = to_socket_address(local);
  if (::bind(fd.get(), address.get(), address.length) != 0) {
    throw std::runtime_error(fmt::format("bind {} port {} in {}: {}", local.address.to_string(),
                                         local.port, netns.name(), strerror(errno)));
  }
  return fd;
}

/// Waits for `events`; false at the deadline.
bool wait_for(const UniqueFd& fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    pollfd entry{.fd = fd.get(), .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw std::runtime_error("poll failed");
  }
}

}  // namespace

bool IcmpError::too_big() const {
  return offender.is_v4() ? type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED
                          : type == ICMP6_PACKET_TOO_BIG;
}

bool IcmpError::unreachable() const {
  return offender.is_v4() ? type == ICMP_DEST_UNREACH && code != ICMP_FRAG_NEEDED
                          : type == ICMP6_DST_UNREACH;
}

UdpSocket::UdpSocket(const LabNetns& netns, const Endpoint& local)
    : family_(local.address.family()), fd_(bound_socket(netns, SOCK_DGRAM, local)) {
  if (family_ == Family::kIpv4) {
    set_option(fd_, IPPROTO_IP, IP_RECVERR, 1);
  } else {
    set_option(fd_, IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
}

UdpSocket::UdpSocket(const LabNetns& netns, Family family) : UdpSocket(netns, any(family)) {}

void UdpSocket::forbid_fragments() {
  // PROBE, not DO: what an earlier ICMP error taught this host must not hold the next packet back.
  if (family_ == Family::kIpv4) {
    set_option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set_option(fd_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
}

bool UdpSocket::send(const Endpoint& to, std::string_view data) {
  SocketAddress address = to_socket_address(to);
  // An earlier ICMP error is reported once by the next call, whatever that is about; it stays in
  // the error queue.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::sendto(fd_.get(), data.data(), data.size(), 0, address.get(), address.length) ==
        static_cast<ssize_t>(data.size())) {
      return true;
    }
  }
  return false;
}

std::optional<Datagram> UdpSocket::receive(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::array<char, 65536> buffer;
  for (;;) {
    SocketAddress from;
    const ssize_t size =
        ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.length);
    if (size >= 0) {
      return Datagram{.from = to_endpoint(from.get()),
                      .data = std::string(buffer.data(), static_cast<std::size_t>(size))};
    }
    if (errno != EAGAIN) continue;  // an ICMP error, reported once
    if (Clock::now() >= deadline) return std::nullopt;
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    if (::poll(&entry, 1, static_cast<int>(std::max<long>(left, 0))) > 0 &&
        (entry.revents & POLLIN) == 0) {
      return std::nullopt;  // only an ICMP error: nothing will come
    }
  }
}

std::optional<IcmpError> UdpSocket::icmp_error(milliseconds timeout) {
  if (!wait_for(fd_, 0, Clock::now() + timeout)) return std::nullopt;  // POLLERR is always watched
  alignas(cmsghdr) std::array<char, 512> control;
  std::array<char, 2048> data;
  iovec part{.iov_base = data.data(), .iov_len = data.size()};
  SocketAddress about;
  msghdr message{};
  message.msg_name = about.get();
  message.msg_namelen = about.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd_.get(), &message, MSG_ERRQUEUE) < 0) return std::nullopt;
  for (cmsghdr* entry = CMSG_FIRSTHDR(&message); entry != nullptr;
       entry = CMSG_NXTHDR(&message, entry)) {
    const bool error_of_v4 = entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_RECVERR;
    const bool error_of_v6 = entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_RECVERR;
    if (!error_of_v4 && !error_of_v6) continue;
    const auto* const error = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(entry));
    if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    return IcmpError{.offender = to_endpoint(SO_EE_OFFENDER(error)).address,
                     .type = error->ee_type,
                     .code = error->ee_code,
                     .mtu = error->ee_info};
  }
  return std::nullopt;
}

std::string Exchange::to_string() const {
  const auto text = [](const std::optional<Endpoint>& seen) {
    return seen ? fmt::format("from {} port {}", seen->address.to_string(), seen->port)
                : std::string("nothing");
  };
  return fmt::format("server saw {}, client saw {}", text(server_saw), text(client_saw));
}

Exchange udp_exchange(const LabNetns& client, const LabNetns& server, const Endpoint& to,
                      const ExchangeOptions& options) {
  UdpSocket listener(server, options.listen.value_or(to));
  UdpSocket sender(client, options.source.value_or(any(to.address.family())));
  Exchange result;
  if (!sender.send(to, "request")) return result;
  const std::optional<Datagram> request = listener.receive(options.timeout);
  if (!request) return result;
  result.server_saw = request->from;
  if (!listener.send(request->from, "reply")) return result;
  if (const std::optional<Datagram> reply = sender.receive(options.timeout)) {
    result.client_saw = reply->from;
  }
  return result;
}

namespace {

/// One end of a connection: sends its bytes and counts the other's.
struct TcpEnd {
  UniqueFd fd;
  std::uint64_t unsent = 0;
  std::uint64_t received = 0;

  [[nodiscard]] short events() const {
    return static_cast<short>(POLLIN | (unsent > 0 ? POLLOUT : 0));
  }
  /// False where the connection broke.
  bool pump() {
    static const std::vector<char> zeros(65536);
    static std::vector<char> sink(65536);
    if (unsent > 0) {
      const ssize_t sent = ::send(fd.get(), zeros.data(), std::min<std::size_t>(unsent, 65536),
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) unsent -= static_cast<std::uint64_t>(sent);
      if (sent < 0 && errno != EAGAIN) return false;
    }
    const ssize_t got = ::recv(fd.get(), sink.data(), sink.size(), MSG_DONTWAIT);
    if (got > 0) received += static_cast<std::uint64_t>(got);
    return got > 0 || (got < 0 && errno == EAGAIN);
  }
};

}  // namespace

std::string TcpReport::to_string() const {
  return fmt::format("{}, {} bytes to the server, {} bytes to the client",
                     connected ? "connected" : "not connected", to_server, to_client);
}

TcpReport tcp_transfer(const LabNetns& client, const LabNetns& server, const Endpoint& to,
                       std::uint64_t bytes, const ExchangeOptions& options) {
  const auto deadline = Clock::now() + options.timeout;
  TcpReport report;
  const UniqueFd listener = bound_socket(server, SOCK_STREAM, options.listen.value_or(to));
  if (::listen(listener.get(), 1) != 0) throw std::runtime_error("listen failed");
  TcpEnd near{
      .fd = bound_socket(client, SOCK_STREAM, options.source.value_or(any(to.address.family()))),
      .unsent = bytes};
  SocketAddress address = to_socket_address(to);
  if (::connect(near.fd.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    return report;
  }
  if (!wait_for(listener, POLLIN, deadline)) return report;
  SocketAddress peer;
  TcpEnd far{.fd = UniqueFd(::accept4(listener.get(), peer.get(), &peer.length, SOCK_CLOEXEC)),
             .unsent = bytes};
  if (!far.fd || !wait_for(near.fd, POLLOUT, deadline)) return report;
  report.connected = true;
  report.server_saw = to_endpoint(peer.get()).address;
  while ((near.received < bytes || far.received < bytes) && Clock::now() < deadline) {
    std::array<pollfd, 2> both{pollfd{.fd = near.fd.get(), .events = near.events()},
                               pollfd{.fd = far.fd.get(), .events = far.events()}};
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    if (::poll(both.data(), both.size(), static_cast<int>(std::max<long>(left, 0))) <= 0) break;
    const bool near_lives = near.pump();
    const bool far_lives = far.pump();
    if (!near_lives || !far_lives) break;
  }
  report.to_server = far.received;
  report.to_client = near.received;
  return report;
}

bool ping(const LabNetns& from, const IpAddress& to, std::optional<IpAddress> source) {
  std::vector<std::string> command = {"ping", "-n", "-c", "1", "-W", "3"};
  if (source) command.insert(command.end(), {"-I", source->to_string()});
  command.push_back(to.to_string());
  return from.run(command).ok();
}

}  // namespace sextant::conformance
