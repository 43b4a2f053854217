// Packets that no socket would send, written as scapy expressions and sent as frames.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "lab_netns.h"

namespace sextant::conformance {

using Frame = std::vector<std::uint8_t>;

/// Whether packets can be crafted here; else why not.
[[nodiscard]] std::string missing_scapy();

/// One run of Python for all: each expression is of scapy's layers (IP, IPv6, UDP, ...), and gives
/// a packet or a list of packets. Throws where one does not.
[[nodiscard]] std::map<std::string, std::vector<Frame>> craft(
    const std::map<std::string, std::string>& expressions);

/// Sends frames on a device as it is given them (CAP_NET_RAW).
class FrameSender {
 public:
  /// To the hardware address, "02:00:00:00:01:02".
  FrameSender(const LabNetns& netns, const std::string& device, const std::string& destination);
  /// The IP packet in an Ethernet frame; the kernel's own checks are not asked.
  void send(const Frame& packet) const;

 private:
  UniqueFd fd_;
  int device_ = 0;
  std::vector<std::uint8_t> destination_;
};

}  // namespace sextant::conformance
