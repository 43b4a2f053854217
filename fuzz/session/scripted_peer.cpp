#include "session/scripted_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "bgp/wire/open.h"
#include "bgp/wire/route_refresh.h"
#include "bgp/wire/update.h"
#include "require.h"

namespace sextant::fuzz {
namespace {

constexpr std::size_t kConnections = 4;

sockaddr_in at(std::uint32_t address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(address);
  return out;
}

UniqueFd bound(std::uint32_t address) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  require(fd.get() >= 0, "there is a socket");
  // A reset leaves nothing behind: thousands of connections a second would use up the ports.
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  const auto own = at(address, 0);
  require(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0,
          "loopback has the address");
  return fd;
}

}  // namespace

ScriptedPeer::ScriptedPeer(std::uint32_t address) : address_(address), listener_(bound(address)) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  require(::listen(listener_.get(), 8) == 0 &&
              ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0,
          "a socket listens");
  port_ = ntohs(own.sin_port);
}

void ScriptedPeer::add(UniqueFd fd) {
  // What is sent is there: an input means the same whatever the kernel's timers do.
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connections_.size() == kConnections) connections_.erase(connections_.begin());
  connections_.push_back({.fd = std::move(fd)});
  current_ = connections_.size() - 1;
}

void ScriptedPeer::connect(std::uint16_t speaker_port) {
  auto fd = bound(address_);
  const auto speaker = at(INADDR_LOOPBACK, speaker_port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&speaker), sizeof speaker) != 0 &&
      errno != EINPROGRESS) {
    return;
  }
  add(std::move(fd));
}

void ScriptedPeer::accept() {
  if (!listener_) return;
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd) add(std::move(fd));
}

void ScriptedPeer::turn_to(std::size_t number) {
  if (!connections_.empty()) current_ = number % connections_.size();
}

void ScriptedPeer::send(std::span<const std::uint8_t> bytes) {
  if (connections_.empty()) return;
  connections_[current_].spoken = true;
  (void)!::send(connections_[current_].fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void ScriptedPeer::expect(const bgp::SessionFacts& facts) {
  if (!connections_.empty() && !connections_[current_].spoken) connections_[current_].facts = facts;
}

void ScriptedPeer::close() {
  if (connections_.empty()) return;
  ::shutdown(connections_[current_].fd.get(), SHUT_WR);
}

void ScriptedPeer::reset() {
  if (connections_.empty()) return;
  connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(current_));
  current_ = 0;
}

void ScriptedPeer::reset_all() { connections_.clear(); }

void ScriptedPeer::read() {
  if (deaf_) return;
  std::array<std::uint8_t, 16384> bytes{};
  for (auto& connection : connections_) {
    while (true) {
      const auto count = ::recv(connection.fd.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      connection.unread.insert(connection.unread.end(), bytes.begin(), bytes.begin() + count);
    }
    std::span<const std::uint8_t> rest(connection.unread);
    while (true) {
      const auto message = bgp::next_message(rest, bgp::kMaxExtendedMessage);
      require(message.has_value(), "the speaker sends messages and nothing else");
      if (!*message) break;
      judge(connection, **message);
      rest = rest.subspan((*message)->size);
    }
    connection.unread.assign(rest.begin(), rest.end());
  }
}

void ScriptedPeer::judge(Connection& connection, const bgp::Message& message) {
  const bool first = connection.messages++ == 0;
  switch (message.type) {
    case bgp::MessageType::kOpen:
      require(first && bgp::decode_open(message.body).has_value(), "one OPEN, in order");
      return;
    case bgp::MessageType::kNotification:
      (void)bgp::decode_notification(message.body);
      return;
    case bgp::MessageType::kKeepalive:
      require(!first, "an OPEN goes before a KEEPALIVE");
      return;
    case bgp::MessageType::kRouteRefresh:
      require(!first && bgp::decode_route_refresh(message.body).has_value(),
              "a ROUTE-REFRESH in order");
      return;
    case bgp::MessageType::kUpdate: {
      require(!first, "an OPEN goes before an UPDATE");
      const auto view = bgp::split_update(message.body);
      require(view.judgement.verdict() == bgp::Verdict::kAccept, view.judgement.reasons().c_str());
      if (!connection.facts || (!view.reach && view.nlri.empty())) return;
      const bgp::RouteKind kind{.family = view.reach ? view.reach->family : bgp::kIpv4Unicast,
                                .classic = !view.reach};
      std::vector<std::uint8_t> block;
      view.shared.append_to(block);
      const auto decoded = bgp::decode_attributes(block, *connection.facts, kind);
      require(decoded.judgement.verdict() == bgp::Verdict::kAccept,
              decoded.judgement.reasons().c_str());
      return;
    }
  }
}

}  // namespace sextant::fuzz
