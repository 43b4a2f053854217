// Lets IPv4 routes change their nexthop object without losing a packet.
//
// Routes of one nexthop object share a fib_info, which the kernel marks dead when the last of them
// moves to another object. A lookup that read the old route a moment before, on another processor,
// takes the mark for "no route" and the packet is dropped (fib_table_lookup; 1 in 100,000 packets
// where nothing but such moves goes on). One more route keeps the fib_info alive until every
// lookup of then has ended. A change of what an object does needs none of this.
#pragma once

#include <vector>

#include "dataplane/linux/netlink/message.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/writes.h"

namespace sextant::dataplane {

class HeldRoutes {
 public:
  /// Before `route` (by nexthop object) or the last of its kind moves. The route that is added has
  /// a destination of 240.0.0.0/4, which nothing is sent to (RFC 1112 section 4).
  void hold(const netlink::Route& route, Writes& writes);
  /// Waits until the lookups that run now have ended, where anything is held, and removes it.
  void release(Writes& writes);

 private:
  std::vector<netlink::Route> held_;
};

}  // namespace sextant::dataplane
