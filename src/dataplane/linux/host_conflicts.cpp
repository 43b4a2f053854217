// Of HostSide: overlay prefixes that somebody else routes.
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "dataplane/linux/host_side.h"

namespace sextant::dataplane {
namespace {

using netlink::RouteProtocol;
using netlink::TableId;

constexpr std::size_t kMostLookups = 64;

}  // namespace

// Overlay prefixes for which the main table has a route of somebody else. They are taken out of the
// capture, and come back when that route is gone.
Result<void> HostSide::find_conflicts(ApplyReport& report) {
  std::map<IpPrefix, RouteProtocol> found;
  for (const auto family : {AF_INET, AF_INET6}) {
    netlink::Message dump(RTM_GETROUTE, 0, rtmsg{.rtm_family = static_cast<std::uint8_t>(family)});
    dump.u32(RTA_TABLE, netlink::number(TableId::kMain));
    const auto read = socket_.dump(dump, [&](const nlmsghdr& message) {
      const auto route = netlink::parse_route(message);
      if (!route || route->protocol == RouteProtocol::kSextant) return;
      const bool wanted =
          captures_.contains(route->destination) || conflicts_.contains(route->destination);
      if (wanted) found.emplace(route->destination, route->protocol);
    });
    if (!read) return read;
  }
  for (const auto& [prefix, owner] : found) captures_.erase(prefix);
  for (const auto& [prefix, owner] : conflicts_) {
    if (!found.contains(prefix)) captures_.insert(prefix);
  }
  conflicts_ = std::move(found);
  report_conflicts(report);
  return {};
}

// The same for a few new captures, which are not worth reading a table that may hold 100,000
// routes. False where single lookups cannot tell.
bool HostSide::find_new_conflicts() {
  if (new_captures_.size() > kMostLookups) return false;
  std::map<IpPrefix, RouteProtocol> found;
  for (const auto& prefix : new_captures_) {
    const auto best = netlink::match_route(socket_, prefix.address());
    if (!best) return false;
    const auto& route = *best;
    if (!route) continue;
    // Another rule's table, a longer prefix or our own route may hide what is looked for.
    if (route->table != TableId::kMain || route->destination.length() > prefix.length()) {
      return false;
    }
    if (route->destination != prefix) continue;
    if (route->protocol == RouteProtocol::kSextant) return false;
    found.emplace(prefix, route->protocol);
  }
  for (const auto& prefix : new_captures_) conflicts_.erase(prefix);
  for (const auto& [prefix, owner] : found) captures_.erase(prefix);
  conflicts_.merge(found);
  return true;
}

void HostSide::report_conflicts(ApplyReport& report) const {
  for (const auto& [prefix, owner] : conflicts_) {
    const std::string object = "route " + prefix.to_string();
    report.problems.push_back(
        {.object = object,
         .error = {.operation = "route into the overlay",
                   .object = prefix.to_string(),
                   .cause = "another route to this pod prefix, of protocol " +
                            netlink::to_string(owner) + ", is in the main table, and is kept",
                   .hint = "see `ip route show exact " + prefix.to_string() +
                           "`; remove it, or give the prefix to one owner"}});
  }
}

std::vector<IpPrefix> HostSide::conflicts() const {
  std::vector<IpPrefix> prefixes;
  for (const auto& [prefix, owner] : conflicts_) prefixes.push_back(prefix);
  return prefixes;
}

}  // namespace sextant::dataplane
