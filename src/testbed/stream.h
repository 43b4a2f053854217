// A steady UDP stream between two network namespaces that notices every lost, doubled or reordered
// packet.
//
// Flow: sender thread (in one namespace) -> the network under test -> receiver thread (in the
// other) -> StreamReport. Each packet carries the stream's identity, its sequence number and its
// time of sending. Losses in the receiver's own socket buffer are counted apart, so that a slow
// machine is not mistaken for a lossy network.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::testbed {

struct StreamOptions {
  std::string from_netns;  // name below /run/netns, a path, or empty for the caller's own
  std::string to_netns;
  IpAddress destination;                 // an address of to_netns
  std::optional<IpAddress> source = {};  // none: the kernel's choice
  std::uint16_t port = 47000;            // where the receiver listens
  std::uint16_t source_port = 40000;     // of the first flow; the others follow
  std::uint32_t packets_per_second = 10'000;
  std::uint16_t flows = 1;   // packet n belongs to flow n mod flows
  std::size_t payload = 64;  // bytes of UDP payload, at least kStreamHeaderSize
};

inline constexpr std::size_t kStreamHeaderSize = 24;

/// What a stream's packet says of itself.
struct StreamHeader {
  std::uint64_t stream = 0;
  std::uint64_t sequence = 0;
  std::chrono::system_clock::time_point sent;
};

/// Reads the start of a UDP payload, e.g. of a captured packet; none where it is too short.
[[nodiscard]] std::optional<StreamHeader> decode_stream_header(
    std::span<const std::uint8_t> payload);

struct StreamReport {
  std::uint64_t sent = 0;
  std::uint64_t send_errors = 0;  // sendto() refused them (no route, no buffer): not sent
  std::string last_send_error;    // text of the last refusal
  std::uint64_t received = 0;     // different packets
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;          // arrived after a later one of the same flow
  std::uint64_t receiver_overflow = 0;  // dropped by the receiver's socket, not by the network
  std::uint64_t lost = 0;  // sent, and neither received nor dropped by the receiver's socket
  std::chrono::microseconds longest_gap{0};  // between two arrivals
  std::chrono::microseconds median_delay{0};
  std::chrono::microseconds max_delay{0};
  std::chrono::milliseconds duration{0};

  /// Everything arrived, and something was sent.
  [[nodiscard]] bool lossless() const {
    return sent > 0 && lost == 0 && send_errors == 0 && receiver_overflow == 0;
  }
  /// "sent 10000, received 10000, lost 0, duplicated 0, reordered 0, ..."
  [[nodiscard]] std::string to_string() const;
};

class Stream {
 public:
  /// Starts the receiver, then the sender. Errors: no such namespace, port taken, no such address.
  [[nodiscard]] static Result<Stream> start(const StreamOptions& options);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  /// Identity in its packets' headers.
  [[nodiscard]] std::uint64_t id() const;
  /// Waits until `count` packets arrived; false after `timeout`.
  [[nodiscard]] bool wait_received(std::uint64_t count, std::chrono::milliseconds timeout) const;
  /// So far; packets on their way count as lost.
  [[nodiscard]] StreamReport snapshot() const;
  /// Ends the sender, waits for packets on their way until all are there or none came for `grace`,
  /// and reports.
  StreamReport stop(std::chrono::milliseconds grace = std::chrono::milliseconds{500});

 private:
  struct State;
  explicit Stream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::testbed
