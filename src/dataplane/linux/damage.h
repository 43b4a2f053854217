// What rtnetlink messages of others mean for what Sextant owns.
#pragma once

#include <linux/netlink.h>

#include "dataplane/linux/host_side.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/uplinks.h"

namespace sextant::dataplane {

struct HostEvent {
  bool damage = false;         // to what Sextant owns
  bool links = false;          // the underlay's devices may be others now
  bool default_route = false;  // one came or went
};
/// Of the host's namespace; `host_inner` is the link to the gateway.
[[nodiscard]] HostEvent read_host_event(const nlmsghdr& event, const HostSide& host,
                                        const Uplinks& uplinks, netlink::IfIndex host_inner);
/// Of the gateway's namespace, in which nobody else has any business.
[[nodiscard]] bool is_gateway_damage(const nlmsghdr& event);
/// Of host or gateway: a tc filter or queueing discipline went, perhaps with a program of ours.
[[nodiscard]] bool may_remove_program(const nlmsghdr& event);

}  // namespace sextant::dataplane
