// For tests: packets between sockets in namespaces. Nothing is sent twice.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "base/ip.h"
#include "base/unique_fd.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::cni::testing {

using netlink::Netns;
using netlink::testing::expect;

inline sockaddr_storage socket_address(const IpAddress& address, std::uint16_t port) {
  sockaddr_storage storage{};
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::copy(address.bytes().begin(), address.bytes().end(),
              reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::copy(address.bytes().begin(), address.bytes().end(), v6.sin6_addr.s6_addr);
  }
  return storage;
}

inline socklen_t address_size(const IpAddress& address) {
  return address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

inline UniqueFd udp_socket(const Netns& netns, const IpAddress& address, std::uint16_t port) {
  UniqueFd fd(expect(netns.run([&] {
    return ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  })));
  const auto local = socket_address(address, port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local), 0)
      << address.to_string();
  return fd;
}

inline bool arrives(const UniqueFd& from, const UniqueFd& to, const IpAddress& address,
                    std::uint16_t port) {
  const auto destination = socket_address(address, port);
  const char text[] = "first";
  if (::sendto(from.get(), text, sizeof text, 0, reinterpret_cast<const sockaddr*>(&destination),
               address_size(address)) < 0) {
    return false;
  }
  pollfd waiting{.fd = to.get(), .events = POLLIN};
  char buffer[16];
  return ::poll(&waiting, 1, 1000) == 1 && ::recv(to.get(), buffer, sizeof buffer, 0) > 0;
}

// One packet there and one back, each the first on its way; nothing is sent again.
inline void expect_first_packets_pass(const Netns& here, const IpAddress& here_address,
                                      const Netns& there, const IpAddress& there_address) {
  const auto near = udp_socket(here, here_address, 7001);
  const auto far = udp_socket(there, there_address, 7002);
  EXPECT_TRUE(arrives(near, far, there_address, 7002))
      << here_address.to_string() << " to " << there_address.to_string();
  EXPECT_TRUE(arrives(far, near, here_address, 7001))
      << there_address.to_string() << " to " << here_address.to_string();
}

inline bool readable(const UniqueFd& fd) {
  pollfd waiting{.fd = fd.get(), .events = POLLIN};
  return ::poll(&waiting, 1, 2000) == 1;
}

// A TCP server in a namespace; serve() answers one connection.
class TcpServer {
 public:
  TcpServer(const Netns& netns, const IpAddress& address, std::uint16_t port)
      : listener_(expect(netns.run([&] {
          return ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        }))) {
    const auto local = socket_address(address, port);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
  }
  // Whether a client in `netns` that connects to `address` and `port` gets here, and `size` bytes
  // from here come back whole.
  [[nodiscard]] bool reached_from(const Netns& netns, const IpAddress& address, std::uint16_t port,
                                  std::size_t size = 5) const {
    const UniqueFd client(expect(netns.run([&] {
      return ::socket(address.is_v4() ? AF_INET : AF_INET6,
                      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    })));
    const auto remote = socket_address(address, port);
    (void)::connect(client.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
    if (!readable(listener_)) return false;
    const UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::string sent(size, 'x');
    if (::write(accepted.get(), sent.data(), sent.size()) != static_cast<ssize_t>(sent.size())) {
      return false;
    }
    std::size_t received = 0;
    char buffer[4096];
    while (received < size && readable(client)) {
      const ssize_t part = ::read(client.get(), buffer, sizeof buffer);
      if (part <= 0) return false;
      received += static_cast<std::size_t>(part);
    }
    return received == size;
  }

 private:
  UniqueFd listener_;
};

}  // namespace sextant::cni::testing
