// The devices of the underlay: up or down, not loopback, not a pod's, not Sextant's own, with a
// global IPv6 address.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/result.h"
#include "dataplane/linux/filter.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

class Uplinks {
 public:
  [[nodiscard]] static Result<Uplinks> read(netlink::Socket& socket);

  /// Those whose frames nftables can hand on whole.
  [[nodiscard]] const std::set<Uplink>& ethernet() const { return ethernet_; }
  /// The largest inner packet; where there is no underlay, the minimum.
  [[nodiscard]] std::uint32_t pod_mtu(std::size_t max_segments) const {
    return netlink::pod_mtu(mtu_, max_segments);
  }
  friend bool operator==(const Uplinks&, const Uplinks&) = default;

 private:
  std::set<Uplink> ethernet_;
  std::uint32_t mtu_ = 0;
};

}  // namespace sextant::dataplane
