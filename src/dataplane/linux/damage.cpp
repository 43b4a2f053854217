#include "dataplane/linux/damage.h"

#include <linux/rtnetlink.h>

#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"

namespace sextant::dataplane {

bool is_gateway_damage(const nlmsghdr& event) {
  switch (event.nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto route = netlink::parse_route(event);
      return route && route->protocol == netlink::RouteProtocol::kSextant;
    }
    case RTM_NEWLINK: {
      const auto link = netlink::parse_link(event);
      return link && !link->is_up();
    }
    case RTM_DELLINK:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
    case RTM_DELNEIGH:
    case RTM_DELADDR:
      return true;
    default:
      return false;
  }
}

bool may_remove_program(const nlmsghdr& event) {
  return event.nlmsg_type == RTM_DELTFILTER || event.nlmsg_type == RTM_DELQDISC;
}

}  // namespace sextant::dataplane
