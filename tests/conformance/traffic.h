// Traffic of the tests: small exchanges between sockets in two network namespaces, driven by one
// thread and bounded by deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/unique_fd.h"
#include "lab_netns.h"

namespace sextant::conformance {

using std::chrono::milliseconds;

/// Long enough for a busy machine; only a test that fails waits so long.
inline constexpr milliseconds kPatience{3000};
/// How long the absence of a packet is watched.
inline constexpr milliseconds kSilence{300};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Datagram {
  Endpoint from;
  std::string data;
};

/// An ICMP or ICMPv6 error about a packet of ours.
struct IcmpError {
  IpAddress offender;  // who sent it
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t mtu = 0;  // of a "too big"
  /// Fragmentation needed (RFC 1191) or Packet Too Big (RFC 8201).
  [[nodiscard]] bool too_big() const;
  /// Destination unreachable, of either family.
  [[nodiscard]] bool unreachable() const;
};

class UdpSocket {
 public:
  /// Inside `netns`. Throws where the address cannot be bound.
  UdpSocket(const LabNetns& netns, const Endpoint& local);
  /// To any local address.
  UdpSocket(const LabNetns& netns, Family family);

  /// What is sent carries DF, whatever size the path is known to take.
  void forbid_fragments();
  /// False where the kernel refused it: errno says why.
  bool send(const Endpoint& to, std::string_view data);
  [[nodiscard]] std::optional<Datagram> receive(milliseconds timeout = kPatience);
  /// The next ICMP error that came back.
  [[nodiscard]] std::optional<IcmpError> icmp_error(milliseconds timeout = kPatience);

 private:
  Family family_;
  UniqueFd fd_;
};

/// One request and its reply, as both ends saw them.
struct Exchange {
  std::optional<Endpoint> server_saw;  // source of the request; none: it did not arrive
  std::optional<Endpoint> client_saw;  // source of the reply; none: it did not arrive
  [[nodiscard]] bool complete() const { return server_saw && client_saw; }
  [[nodiscard]] std::string to_string() const;
};

struct ExchangeOptions {
  std::optional<Endpoint> source = {};  // of the client; none: the kernel's choice
  std::optional<Endpoint> listen =
      {};  // of the server, where it differs from where the client sends to
  milliseconds timeout = kPatience;
};

[[nodiscard]] Exchange udp_exchange(const LabNetns& client, const LabNetns& server,
                                    const Endpoint& to, const ExchangeOptions& options = {});

/// A TCP connection over which both ends send `bytes` at once.
struct TcpReport {
  bool connected = false;
  std::uint64_t to_server = 0;  // bytes that arrived
  std::uint64_t to_client = 0;
  std::optional<IpAddress> server_saw;
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] TcpReport tcp_transfer(const LabNetns& client, const LabNetns& server,
                                     const Endpoint& to, std::uint64_t bytes,
                                     const ExchangeOptions& options = {});

/// One echo request; true where the reply came.
[[nodiscard]] bool ping(const LabNetns& from, const IpAddress& to,
                        std::optional<IpAddress> source = {});

}  // namespace sextant::conformance
