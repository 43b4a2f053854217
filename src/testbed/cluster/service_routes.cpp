#include "testbed/cluster/service_routes.h"

#include <sstream>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::cluster {
namespace {

/// The node's end of its link.
std::string uplink(const testbed::Topology& lab, const std::string& node) {
  for (const testbed::Link& link : lab.links) {
    for (const testbed::LinkEnd& end : {link.a, link.b}) {
      if (end.machine == node) return end.device;
    }
  }
  return {};
}

}  // namespace

Result<void> route_services(const Plan& plan, const testbed::ClusterNode& node) {
  if (!node.gateways.empty()) return {};
  const auto space = netlink::Netns::open(plan.places.id().netns(node.name));
  if (!space) return tl::unexpected(space.error());
  auto socket = space->run([] { return netlink::Socket::make(); });
  if (!socket) return tl::unexpected(socket.error());
  const auto link = netlink::get_link(*socket, uplink(plan.lab(), node.name));
  if (!link) return tl::unexpected(link.error());
  std::istringstream ranges{service_ranges(plan.settings)};
  for (std::string range; std::getline(ranges, range, ',');) {
    const auto prefix = IpPrefix::parse(range);
    if (!prefix) return tl::unexpected(prefix.error());
    auto routed = netlink::replace_route(
        *socket, {.destination = *prefix, .next_hops = {{.link = link->index}}});
    if (!routed) return routed;
  }
  return {};
}

}  // namespace sextant::cluster
