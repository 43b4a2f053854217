// How a trace touches the network of one node. An interface, so that the tracer can be tried
// against a network made of tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip.h"
#include "base/result.h"
#include "trace/probe.h"

namespace sextant::trace {

using Clock = std::chrono::steady_clock;

/// A device of the node; 0 is none.
struct Device {
  int index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// An IP packet that crossed one of the node's devices.
struct Capture {
  Clock::time_point at;
  bool outgoing = false;
  Device device;
  Bytes packet;
};

class Channel {
 public:
  virtual ~Channel() = default;
  /// Sends the packet as the node routes packets with its source: through the node's own data
  /// plane.
  [[nodiscard]] virtual Result<void> send_inner(std::span<const std::uint8_t> packet) = 0;
  /// Sends an outer packet into the underlay, past the data plane; by `device` where that is known.
  [[nodiscard]] virtual Result<void> send_outer(std::span<const std::uint8_t> packet,
                                                Device device) = 0;
  /// The next packet that crosses a device of the node, awaited until `deadline`.
  [[nodiscard]] virtual Result<std::optional<Capture>> receive(Clock::time_point deadline) = 0;
};

}  // namespace sextant::trace
