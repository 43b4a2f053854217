#include "bgp/wire_peer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "bgp/wire/message.h"
#include "bgp/wire/open.h"
#include "common/program.h"

namespace sextant::bench {
namespace {

constexpr std::uint16_t kPort = 179;
constexpr std::uint16_t kHoldTime = 90;  // seconds
constexpr auto kKeepaliveInterval = std::chrono::seconds(20);
constexpr std::size_t kReadAhead = 1U << 18U;

sockaddr_in6 socket_address(const Ipv6Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.bytes().data(), 16);
  return out;
}

/// A connected socket, or none.
UniqueFd connect_once(const Ipv6Address& own, const Ipv6Address& daemon) {
  UniqueFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto from = socket_address(own, 0);
  const auto to = socket_address(daemon, kPort);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    return UniqueFd();
  }
  return fd;
}

std::vector<std::uint8_t> open_message(std::uint8_t number, bgp::Family family,
                                       const std::vector<bgp::Family>& more) {
  bgp::Open open{
      .asn = kLocalAs, .hold_time = kHoldTime, .identifier = Ipv4Address({10, 0, 1, number})};
  open.capabilities.families = {family};
  open.capabilities.families.insert(open.capabilities.families.end(), more.begin(), more.end());
  open.capabilities.route_refresh = true;
  open.capabilities.four_octet_as = kLocalAs;
  return bgp::encode(open);
}

std::size_t number_of(const bgp::PrefixNlri& nlri) {
  std::size_t number = 0;
  for (unsigned i = 4; i < 8; ++i) number = number << 8U | nlri.bytes[i];
  return number;
}

}  // namespace

WirePeer::WirePeer(const Ipv6Address& own, const Ipv6Address& daemon, std::uint8_t number,
                   bgp::Family family, const std::vector<bgp::Family>& more)
    : family_(family), in_(kReadAhead), has_(std::max(kPrefixes, kPolicies)) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A daemon that starts listens before it knows its peers: it resets the first connections.
  while (true) {
    check_interruption();
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("no session with the daemon");
    }
    fd_ = connect_once(own, daemon);
    if (fd_.get() >= 0) {
      auto hello = open_message(number, family, more);
      const auto keepalive = bgp::encode_keepalive();
      hello.insert(hello.end(), keepalive.begin(), keepalive.end());
      std::size_t messages = 0;
      filled_ = 0;
      bool alive = ::send(fd_.get(), hello.data(), hello.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(hello.size());
      while (alive && messages < 2) {  // OPEN, KEEPALIVE
        pollfd one{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        if (poll(&one, 1, 2000) != 1) break;
        const auto count = ::recv(fd_.get(), in_.data() + filled_, in_.size() - filled_, 0);
        if (count <= 0) break;
        filled_ += static_cast<std::size_t>(count);
        std::size_t at = 0;
        while (messages < 2) {
          const auto message = bgp::next_message(std::span(in_).subspan(at, filled_ - at));
          if (!message) throw std::runtime_error("the daemon sent what is no BGP message");
          if (!*message) break;
          if ((*message)->type == bgp::MessageType::kNotification) alive = false;
          if (!alive) break;
          at += (*message)->size;
          ++messages;
        }
        std::memmove(in_.data(), in_.data() + at, filled_ - at);
        filled_ -= at;
      }
      if (messages == 2) break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // between attempts to connect
  }
  fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

void WirePeer::turn(bool readable, bool writable) {
  if (readable) receive();
  keep_alive();
  if (!writable || to_send_.empty()) return;
  const auto count = ::send(fd_.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) throw std::runtime_error("the daemon closed the session");
  if (count <= 0) return;
  to_send_ = to_send_.subspan(static_cast<std::size_t>(count));
  sent_at_ = std::chrono::steady_clock::now();
}

void WirePeer::keep_alive() {
  const auto now = std::chrono::steady_clock::now();
  if (sending() || now - sent_at_ < kKeepaliveInterval) return;
  sent_at_ = now;
  const auto message = bgp::encode_keepalive();
  // Nothing waits to be sent, so there is room for nineteen bytes.
  if (::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(message.size())) {
    throw std::runtime_error("the daemon closed the session");
  }
}

void WirePeer::receive() {
  const auto count = ::recv(fd_.get(), in_.data() + filled_, in_.size() - filled_, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) throw std::runtime_error("the daemon closed the session");
  filled_ += static_cast<std::size_t>(count);
  std::size_t at = 0;
  while (true) {
    const auto message = bgp::next_message(std::span(in_).subspan(at, filled_ - at));
    if (!message) throw std::runtime_error("the daemon sent what is no BGP message");
    if (!*message) break;
    if ((*message)->type == bgp::MessageType::kNotification) {
      throw std::runtime_error("the daemon sent a NOTIFICATION");
    }
    if ((*message)->type == bgp::MessageType::kUpdate) take(bgp::split_update((*message)->body));
    at += (*message)->size;
  }
  std::memmove(in_.data(), in_.data() + at, filled_ - at);
  filled_ -= at;
}

void WirePeer::take(const bgp::UpdateView& update) {
  const auto each = [&](std::span<const std::uint8_t> nlri, bool announced) {
    if (family_.safi == bgp::Safi::kSrPolicy) {
      bgp::SrPolicyNlriCursor cursor(family_.afi, nlri);
      for (bgp::SrPolicyNlri one; cursor.next(one);) note(policy_number(one), announced);
    } else {
      bgp::PrefixNlriCursor cursor(family_.afi, nlri);
      for (bgp::PrefixNlri one; cursor.next(one);) note(number_of(one), announced);
    }
  };
  if (update.reach && update.reach->family == family_) each(update.reach->nlri, true);
  if (update.unreach && update.unreach->family == family_) each(update.unreach->nlri, false);
}

void WirePeer::note(std::size_t route, bool announced) {
  if (route >= has_.size()) throw std::runtime_error("the daemon announces what nobody sent");
  if (has_[route] == announced) return;
  has_[route] = announced;
  routes_ += announced ? 1 : std::size_t{0} - 1;
}

void serve_once(const std::vector<WirePeer*>& peers, int milliseconds) {
  std::vector<pollfd> polled;
  for (const auto* peer : peers) {
    polled.push_back({.fd = peer->fd(),
                      .events = static_cast<short>(POLLIN | (peer->sending() ? POLLOUT : 0)),
                      .revents = 0});
  }
  if (poll(polled.data(), polled.size(), milliseconds) < 0) return;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    peers[i]->turn((polled[i].revents & ~POLLOUT) != 0, (polled[i].revents & POLLOUT) != 0);
  }
}

}  // namespace sextant::bench
