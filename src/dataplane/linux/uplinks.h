// The devices of the underlay, where SIDs of this node take packets.
//
// Up or down, not loopback, not a pod's, not Sextant's own, and one of these:
// - it carries a global IPv6 address and is no bridge: an uplink with an address;
// - an IPv6 route of the main table has a gateway through it: an uplink without an address
//   (unnumbered), or a bridge with a port to the underlay. It stays one when its routes go, as with
//   a routing session that is down: packets may still come that way.
// Bridges of containers and virtual machines, and devices of other CNIs' pods, have routes to what
// is on them but none through a gateway.
// Where the operator names the uplinks, those are it and no others.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/linux/filter.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

class Uplinks {
 public:
  /// Names, or beginnings of names and `*`; none: they are found.
  explicit Uplinks(std::vector<std::string> names = {}) : names_(std::move(names)) {}

  /// Reads them anew; true where something is another way now. Error: nothing has changed.
  [[nodiscard]] Result<bool> refresh(netlink::Socket& socket);

  [[nodiscard]] const std::set<Uplink>& devices() const { return devices_; }
  [[nodiscard]] std::set<std::string> names() const;
  /// "eth0, eth1"
  [[nodiscard]] std::string to_string() const;
  /// Those whose frames can be handed on whole.
  [[nodiscard]] std::set<Uplink> ethernet() const;
  /// Whether a route through a gateway on this device is news.
  [[nodiscard]] bool is_candidate(netlink::IfIndex link) const {
    return candidates_.contains(link);
  }
  /// The largest inner packet; where there is no underlay, the minimum.
  [[nodiscard]] std::uint32_t pod_mtu(std::size_t max_segments) const {
    return netlink::pod_mtu(mtu_, max_segments);
  }

 private:
  [[nodiscard]] bool is_named(const std::string& device) const;

  std::vector<std::string> names_;
  std::set<Uplink> devices_;
  std::set<netlink::IfIndex> candidates_;  // a gateway would make them uplinks
  std::set<netlink::IfIndex> routed_;      // a gateway has made them uplinks
  std::uint32_t mtu_ = 0;
};

}  // namespace sextant::dataplane
