// Captures packets in a network namespace and decodes what Sextant puts on the wire: outer IPv6,
// SRH, inner packet.
//
// Flow: AF_PACKET socket in the namespace -> capture thread -> filter -> store (packets(),
// wait_for()). Threads: each Sniffer has one thread of its own; all members may be called from any
// thread. The decoder is its own on purpose, not src/srv6's: what proves the wire format must not
// share its bugs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::testbed {

/// RFC 8754 section 2, as on the wire: segments[0] is the last one visited.
struct RoutingHeader {
  std::uint8_t segments_left = 0;
  std::uint8_t last_entry = 0;
  std::uint8_t next_header = 0;
  std::vector<Ipv6Address> segments;
};

/// The IPv6 header that carries an encapsulated packet.
struct OuterHeader {
  Ipv6Address source;
  Ipv6Address destination;
  std::uint8_t hop_limit = 0;
  std::uint32_t flow_label = 0;
  std::optional<RoutingHeader> srh;  // none where a single SID stands in the destination only
};

/// The packet itself: the inner one of an encapsulated packet, or the only one.
struct InnerPacket {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;  // 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6
  std::uint8_t hop_limit = 0;
  std::optional<RoutingHeader> srh;  // of a packet that carries an SRH without encapsulation
  std::uint16_t source_port = 0;     // TCP and UDP
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint32_t icmp_word = 0;        // bytes 4..7: identifier and sequence of an echo, or an MTU
  std::vector<std::uint8_t> payload;  // behind the UDP or ICMP header, as far as captured
};

struct DecodedPacket {
  std::optional<OuterHeader> outer;
  InnerPacket inner;
  std::size_t length = 0;  // of the outermost IP packet, in bytes
};

/// An IP packet (no link layer) of either family; none where it is not one or cut before its
/// addresses.
[[nodiscard]] std::optional<DecodedPacket> decode_packet(std::span<const std::uint8_t> bytes);

enum class Direction : std::uint8_t { kIn, kOut };

struct CapturedPacket : DecodedPacket {
  std::chrono::system_clock::time_point at;  // the kernel's time of reception or sending
  std::string netns;
  std::string device;
  Direction direction = Direction::kIn;
};

/// "sx-r4 in to-r3 fd10::1000 > fcff:6::1 (fcff:8::1 <- fcff:6::1, left 1) 172.16.0.2:4000 >
/// 172.16.0.66:47000 UDP"
[[nodiscard]] std::string to_string(const CapturedPacket& packet);

/// Looks at a packet before it is stored; false drops it. Runs on the capture thread.
using PacketFilter = std::function<bool(const CapturedPacket&)>;

/// UDP to `port`, encapsulated or not.
[[nodiscard]] PacketFilter udp_to(std::uint16_t port);
/// ICMP or ICMPv6 echo requests to `destination`.
[[nodiscard]] PacketFilter echo_to(const IpAddress& destination);

struct SnifferOptions {
  std::string netns;              // name below /run/netns, a path, or empty for the caller's own
  std::string device = {};        // empty: all devices, loopback too
  bool outgoing = true;           // false spares half of the work where only arrivals matter
  PacketFilter filter = {};       // empty: every IP packet
  std::size_t limit = 1'000'000;  // packets stored; later ones are counted as dropped
  std::size_t snap_length = 512;
};

class Sniffer {
 public:
  /// Captures from when it returns. Errors: no such namespace or device, no CAP_NET_RAW.
  [[nodiscard]] static Result<Sniffer> start(SnifferOptions options);
  Sniffer(Sniffer&&) noexcept;
  Sniffer& operator=(Sniffer&&) noexcept;
  ~Sniffer();

  /// What was stored since the start or the last clear(), in the order of capture.
  [[nodiscard]] std::vector<CapturedPacket> packets() const;
  [[nodiscard]] std::size_t count() const;
  void clear();
  /// The first stored packet that matches; waits for it up to `timeout`. An empty filter matches
  /// every packet.
  [[nodiscard]] std::optional<CapturedPacket> wait_for(const PacketFilter& match,
                                                       std::chrono::milliseconds timeout) const;
  /// Packets that the kernel or `limit` threw away: 0, or the capture proves nothing about absence.
  [[nodiscard]] std::size_t dropped() const;
  void stop();

 private:
  struct State;
  explicit Sniffer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The namespaces in the order of the path of one packet, or of one flow: by outer hop limit where
/// all are encapsulated, then by time.
[[nodiscard]] std::vector<std::string> path_of(std::vector<CapturedPacket> packets);

}  // namespace sextant::testbed
