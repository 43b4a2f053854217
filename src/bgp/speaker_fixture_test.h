// Speakers on one loop in a network namespace of their own, a peer made of a script, and ways to
// wait for what they do.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "bgp/speaker.h"
#include "bgp/wire/message.h"
#include "bgp/wire/open.h"

namespace sextant::bgp {

using namespace std::chrono_literals;

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
inline Ipv4Address ipv4(std::string_view text) { return Ipv4Address::parse(text).value(); }

/// Puts the process into a namespace of its own with `lo` up. Each test is a process.
class Namespace : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for a network namespace";
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    ASSERT_EQ(::ioctl(fd.get(), SIOCSIFFLAGS, &request), 0) << std::strerror(errno);
  }

  /// Runs the loop until `done`; false where that takes longer than `limit`.
  [[nodiscard]] bool run_until(const std::function<bool()>& done,
                               std::chrono::milliseconds limit = 10s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= end) return false;
      io.restart();
      io.run_one_for(std::min<std::chrono::steady_clock::duration>(end - now, 20ms));
    }
    return true;
  }
  void run_for(std::chrono::milliseconds time) {
    EXPECT_FALSE(run_until([] { return false; }, time));
  }

  boost::asio::io_context io;
};

/// What an embedder sees of a speaker.
struct Node : SpeakerListener {
  Node(boost::asio::io_context& io, SpeakerConfig config) : speaker(io, std::move(config), this) {}

  void on_routes(Family family, std::span<const RouteChange> changes) override {
    ++batches;
    for (const auto& change : changes) {
      const auto name = speaker.rib().name_of(family, change.key);
      const bool there = family.safi == Safi::kSrPolicy ? !change.paths.empty() : change.has_best;
      history.push_back((there ? "+" : "-") + name);
      if (there) {
        const auto& set = speaker.rib().pool()[change.paths.front().attributes];
        routes[name] = {.paths = change.paths.size(),
                        .attributes = set.decode().attributes,
                        .next_hop = speaker.rib().pool().next_hop(change.paths.front().attributes)};
      } else {
        routes.erase(name);
      }
    }
  }
  void on_peer(const PeerInfo& peer) override { states.push_back(peer.state); }
  void on_converged() override { ++converged; }

  [[nodiscard]] bool up(std::string_view peer) const {
    const auto info = speaker.peer(ip(peer));
    return info && info->state == State::kEstablished;
  }
  [[nodiscard]] std::string last_error(std::string_view peer) const {
    const auto info = speaker.peer(ip(peer));
    return info ? info->last_error : "no such peer";
  }
  void announce(std::string_view route, std::string_view next_hop, Attributes attributes = {}) {
    if (!attributes.origin) attributes.origin = Origin::kIgp;
    const auto address = prefix(route);
    speaker.announce(address.family() == sextant::Family::kIpv4 ? kIpv4Unicast : kIpv6Unicast,
                     key_of(address), attributes, {.address = ip(next_hop)});
  }
  void withdraw(std::string_view route) {
    const auto address = prefix(route);
    speaker.withdraw(address.family() == sextant::Family::kIpv4 ? kIpv4Unicast : kIpv6Unicast,
                     key_of(address));
  }

  struct Route {
    std::size_t paths = 0;
    Attributes attributes;
    NextHop next_hop;
  };
  std::map<std::string, Route> routes;
  std::vector<std::string> history;
  std::vector<State> states;
  std::size_t batches = 0;
  int converged = 0;
  Speaker speaker;
};

inline constexpr std::uint16_t kTestPort = 1790;

inline PeerConfig peer_config(std::string_view address, std::uint32_t remote_as) {
  PeerConfig peer;
  peer.address =
      address.find('/') == std::string_view::npos ? IpPrefix::host(ip(address)) : prefix(address);
  peer.remote_as = remote_as;
  peer.port = kTestPort;
  peer.idle_hold = 20ms;
  peer.connect_retry = 1s;
  peer.families = {{.family = kIpv4Unicast}, {.family = kIpv6Unicast}, {.family = kSrPolicyIpv6}};
  return peer;
}

/// Speaker `number` lives at 127.0.0.`number` in AS `asn`.
inline SpeakerConfig speaker_config(int number, std::uint32_t asn = 64512) {
  const auto address = "127.0.0." + std::to_string(number);
  SpeakerConfig config;
  config.asn = asn;
  config.router_id = ipv4("10.0.0." + std::to_string(number));
  config.listen = {{.address = ip(address), .port = kTestPort}};
  return config;
}

/// A speaker's configuration of a peer, seen from 127.0.0.`number`.
inline PeerConfig from(int number, PeerConfig peer) {
  peer.local_address = ip("127.0.0." + std::to_string(number));
  return peer;
}

/// A peer that says what a test tells it to, at 127.0.0.`number`.
class Script {
 public:
  using Run = std::function<bool(const std::function<bool()>&, std::chrono::milliseconds)>;
  Script(int number, Run run) : number_(number), run_(std::move(run)) {}

  [[nodiscard]] bool connect(std::string_view to) {
    fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    auto local = endpoint("127.0.0." + std::to_string(number_), 0);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) return false;
    auto remote = endpoint(to, kTestPort);
    return ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&remote), sizeof remote) == 0 ||
           errno == EINPROGRESS;
  }
  /// Waits for the speaker to connect.
  [[nodiscard]] bool accept() {
    if (!listener_) {
      listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      const int on = 1;
      ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      auto local = endpoint("127.0.0." + std::to_string(number_), kTestPort);
      if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0 ||
          ::listen(listener_.get(), 8) != 0) {
        return false;
      }
    }
    return run_(
        [this] {
          fd_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK));
          return static_cast<bool>(fd_);
        },
        10s);
  }

  void send(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(count));
      } else if (errno != EAGAIN || !run_([] { return true; }, 1s)) {
        return;  // closed by the speaker: what it says is looked at next
      }
    }
  }

  /// The next message, header and all; empty where the connection ended or none came in time.
  [[nodiscard]] std::vector<std::uint8_t> receive(std::chrono::milliseconds limit = 10s) {
    std::vector<std::uint8_t> message;
    const bool came = run_(
        [&] {
          read();
          const auto next = next_message(input_, kMaxExtendedMessage);
          if (next && *next) {
            message.assign(input_.begin(), input_.begin() + static_cast<long>((*next)->size));
            input_.erase(input_.begin(), input_.begin() + static_cast<long>((*next)->size));
            return true;
          }
          return closed_;
        },
        limit);
    return came ? message : std::vector<std::uint8_t>{};
  }
  /// The next message of a type; others are skipped.
  [[nodiscard]] std::vector<std::uint8_t> receive(MessageType type,
                                                  std::chrono::milliseconds limit = 10s) {
    while (true) {
      auto message = receive(limit);
      if (message.empty() || message[18] == static_cast<std::uint8_t>(type)) return message;
    }
  }
  /// The NOTIFICATION that ends the connection, as text; "closed" without one.
  [[nodiscard]] std::string farewell(std::chrono::milliseconds limit = 10s) {
    const auto message = receive(MessageType::kNotification, limit);
    if (message.empty()) return closed_ ? "closed" : "silence";
    return to_string(decode_notification(std::span(message).subspan(kHeaderSize)));
  }
  [[nodiscard]] bool closed(std::chrono::milliseconds limit = 10s) {
    return run_(
        [this] {
          read();
          return closed_;
        },
        limit);
  }
  void close() { fd_.reset(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  [[nodiscard]] Open open() const {
    Open open;
    open.asn = asn;
    open.hold_time = hold_time;
    open.identifier = identifier;
    open.capabilities.families = {kIpv4Unicast, kIpv6Unicast, kSrPolicyIpv6};
    open.capabilities.four_octet_as = asn;
    open.capabilities.route_refresh = true;
    return open;
  }
  /// OPEN and KEEPALIVE both ways.
  [[nodiscard]] bool establish() { return establish(open()); }
  [[nodiscard]] bool establish(const Open& with) {
    send(encode(with));
    if (receive(MessageType::kOpen).empty()) return false;
    send(encode_keepalive());
    return !receive(MessageType::kKeepalive).empty();
  }

  std::uint32_t asn = 64512;
  std::uint16_t hold_time = 90;
  Ipv4Address identifier = ipv4("10.0.0.99");

 private:
  [[nodiscard]] static sockaddr_in endpoint(std::string_view address, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    ::inet_pton(AF_INET, std::string(address).c_str(), &result.sin_addr);
    return result;
  }
  void read() {
    std::uint8_t bytes[65536];
    while (true) {
      const auto count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
      if (count > 0) {
        input_.insert(input_.end(), bytes, bytes + count);
        continue;
      }
      if (count == 0 || (errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN)) {
        closed_ = true;
      }
      return;
    }
  }

  int number_;
  Run run_;
  UniqueFd fd_, listener_;
  std::vector<std::uint8_t> input_;
  bool closed_ = false;
};

}  // namespace sextant::bgp
