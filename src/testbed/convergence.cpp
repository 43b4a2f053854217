#include "testbed/convergence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/socket.h"
#include "testbed/paths.h"

namespace sextant::testbed {
namespace {

using Clock = std::chrono::steady_clock;

Result<std::map<netlink::IfIndex, std::string>> device_names(netlink::Socket& socket) {
  const auto links = netlink::list_links(socket);
  if (!links) return tl::unexpected(links.error());
  std::map<netlink::IfIndex, std::string> names;
  for (const netlink::Link& link : *links) names[link.index] = link.name;
  return names;
}

/// What still differs, in words; empty where all is as expected.
Result<std::string> difference(netlink::Socket& socket,
                               const std::map<netlink::IfIndex, std::string>& names,
                               const ExpectedRoutes& wanted) {
  const auto routes = netlink::list_routes(socket, {.table = netlink::TableId::kMain});
  if (!routes) return tl::unexpected(routes.error());
  ExpectedRoutes there;
  for (const netlink::Route& route : *routes) {
    for (const netlink::NextHop& hop : route.next_hops) {
      const auto name = names.find(hop.link);
      if (name != names.end()) there[route.destination].insert(name->second);
    }
  }
  for (const auto& [prefix, devices] : wanted) {
    const auto found = there.find(prefix);
    if (found == there.end()) return fmt::format("no route to {}", prefix.to_string());
    if (found->second != devices) {
      return fmt::format("{} leaves by {}, not by {}", prefix.to_string(),
                         fmt::join(found->second, " and "), fmt::join(devices, " and "));
    }
  }
  return std::string{};
}

/// Runs inside the router's namespace.
Result<void> await_router(const std::string& router, const ExpectedRoutes& wanted,
                          Clock::time_point end) {
  // Events are asked for before the first look, so that none is missed in between.
  auto events = netlink::Socket::make({.groups = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}});
  if (!events) return tl::unexpected(events.error());
  auto socket = netlink::Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  const auto names = device_names(*socket);
  if (!names) return tl::unexpected(names.error());
  while (true) {
    const auto missing = difference(*socket, *names, wanted);
    if (!missing) return tl::unexpected(missing.error());
    if (missing->empty()) return {};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wait{events->fd(), POLLIN, 0};
    const int ready = left > 0 ? ::poll(&wait, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno != EINTR) return system_error("await routes of", router, errno);
    if (ready == 0) {
      return failure("await IS-IS on", router, *missing, "see the logs of its FRR daemons");
    }
    // ENOBUFS among the errors: all is read again anyway.
    [[maybe_unused]] const auto drained = events->receive([](const nlmsghdr&) {});
  }
}

}  // namespace

Result<void> await_convergence(const Id& id, const Topology& lab,
                               std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  for (const Router& router : lab.routers) {
    const auto space = netlink::Netns::open(id.netns(router.name));
    if (!space) return tl::unexpected(space.error());
    const ExpectedRoutes wanted = expected_routes(lab, router.name);
    auto done = space->run([&] { return await_router(router.name, wanted, end); });
    if (!done) return done;
  }
  return {};
}

}  // namespace sextant::testbed
