#include "dataplane/linux/damage.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"

namespace sextant::dataplane {

HostEvent read_host_event(const nlmsghdr& event, const HostSide& host, const Uplinks& uplinks,
                          netlink::IfIndex host_inner) {
  switch (event.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const auto link = netlink::parse_link(event);
      if (!link || link->name.starts_with(kPodDevicePrefix)) return {};
      if (link->name != kHostInner && link->name != kHostOuter) return {.links = true};
      return {.damage = event.nlmsg_type == RTM_DELLINK || !link->is_up() || link->mtu != kLinkMtu};
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const auto address = netlink::parse_address(event);
      if (address && address->link == host_inner) {
        return {.damage = event.nlmsg_type == RTM_DELADDR};
      }
      return {.links = true};
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto route = netlink::parse_route(event);
      if (!route) return {};
      const bool gateway = std::ranges::any_of(route->next_hops, [&](const auto& hop) {
        return hop.gateway && uplinks.is_candidate(hop.link);
      });
      return {.damage = host.owns(*route) || host.concerns(*route),
              .links = event.nlmsg_type == RTM_NEWROUTE && gateway,
              .default_route = route->destination.length() == 0};
    }
    case RTM_DELRULE:
      return {.damage = netlink::Attributes::of<fib_rule_hdr>(event).u8(FRA_PROTOCOL) ==
                        netlink::number(netlink::RouteProtocol::kSextant)};
    default:
      return {};
  }
}

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
