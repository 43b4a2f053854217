// What the kernel of a measured node has, and when it changes: its data plane's gateway namespace.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ip.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::bench {

/// Of each route through a nexthop object its segment list; of a group, that of its first member.
[[nodiscard]] std::map<IpPrefix, std::vector<std::string>> segment_lists(
    const std::string& node_space);

/// Hears of changes of routes and nexthops.
class KernelEvents {
 public:
  using Clock = std::chrono::steady_clock;
  using Match = std::function<bool(const nlmsghdr& message)>;

  explicit KernelEvents(const std::string& node_space);

  /// Forgets what came until now.
  void drain();
  /// When the last of `count` matching messages came. Throws where they do not come in `patience`.
  [[nodiscard]] Clock::time_point await(const Match& match, std::size_t count,
                                        std::chrono::seconds patience);
  /// Of messages of the type (RTM_NEWNEXTHOP, ...) that hold the bytes of the address.
  [[nodiscard]] Clock::time_point await(std::uint16_t type, const IpAddress& address,
                                        std::size_t count);

 private:
  netlink::Socket socket_;
};

}  // namespace sextant::bench
