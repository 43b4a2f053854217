// What the kernel of the measured node has, and when it changes.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "base/ip.h"
#include "dataplane/linux/netlink/socket.h"
#include "kubernetes/objects.h"

namespace sextant::bench {

/// Reads the gateway namespace back: a route for each pod prefix of the simulated nodes, through
/// the node's policy where there is one, to the node's own SID. Throws where one is missing or
/// leads elsewhere.
void expect_forwarding(const std::string& node_space, const ClusterSize& size);

/// Hears of changes of routes and nexthops in the gateway namespace.
class KernelEvents {
 public:
  using Clock = std::chrono::steady_clock;

  explicit KernelEvents(const std::string& node_space);

  /// Forgets what came until now.
  void drain();
  /// When the last of `count` messages of the type (RTM_NEWNEXTHOP, ...) came that hold the bytes
  /// of the address. Throws where they do not come.
  [[nodiscard]] Clock::time_point await(std::uint16_t type, const IpAddress& address,
                                        std::size_t count);

 private:
  netlink::Socket socket_;
};

}  // namespace sextant::bench
