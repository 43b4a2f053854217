// Tells the neighbors of the underlay where this node's addresses are: unsolicited Neighbor
// Advertisements, RFC 4861 section 7.2.6, one of each address.
//
// A node that comes again with another card has the addresses of before, and its neighbors send to
// the old card until their unreachability detection finds out, 8 s later. The kernel announces by
// itself only where `ndisc_notify` is set.
#pragma once

#include <cstdint>
#include <set>
#include <tuple>

#include "dataplane/linux/filter.h"
#include "dataplane/linux/netlink/mac_address.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

class NeighborAnnouncer {
 public:
  /// Global addresses on `uplinks` that were not announced yet, from the calling thread's network
  /// namespace. Best effort: neighbors find out without it, later.
  void announce(netlink::Socket& socket, const std::set<Uplink>& uplinks);

 private:
  using Place = std::tuple<std::uint32_t, netlink::MacAddress, IpAddress>;  // of which device
  std::set<Place> announced_;
};

}  // namespace sextant::dataplane
