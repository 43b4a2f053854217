#include "dataplane/linux/held_routes.h"

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/grace_period.h"

namespace sextant::dataplane {
namespace {

// In 240.0.0.0/4.
IpPrefix unused_destination(netlink::NexthopId id) {
  const auto number = netlink::number(id);
  const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
  const auto first = static_cast<std::uint8_t>(0xf0U | byte(24));
  return IpPrefix::host(Ipv4Address({first, byte(16), byte(8), byte(0)}));
}

}  // namespace

void HeldRoutes::hold(const netlink::Route& route, Writes& writes) {
  const bool is_held = std::ranges::any_of(
      held_, [&](const netlink::Route& held) { return held.nexthop == route.nexthop; });
  if (is_held) return;
  auto& held = held_.emplace_back(route);
  held.destination = unused_destination(route.nexthop);
  auto message = netlink::route_message(held, netlink::RouteWrite::kReplace);
  // Its object is gone: no route can be in the act of leaving it.
  writes.add(message.about("holding " + held.to_string()), {ENOENT, EINVAL});
}

void HeldRoutes::release(Writes& writes) {
  if (held_.empty()) return;
  await_grace_period();
  for (auto& route : held_) {
    route.nexthop = netlink::NexthopId::kNone;  // which may be gone
    auto message = netlink::route_delete_message(route);
    writes.add(message.about("holding " + route.to_string()), {ESRCH});
  }
  held_.clear();
}

}  // namespace sextant::dataplane
