#include "e2e/kernel_monitor.h"

#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>

#include "testbed/netns_socket.h"

namespace sextant::e2e {
namespace {

Result<UniqueFd> monitor(const std::string& netns, int protocol, std::span<const int> groups) {
  auto socket = testbed::socket_in_netns(netns, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
  if (!socket) return socket;
  sockaddr_nl any{};
  any.nl_family = AF_NETLINK;
  if (::bind(socket->get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
    return system_error("bind netlink monitor", netns, errno);
  }
  for (const int group : groups) {
    if (::setsockopt(socket->get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) !=
        0) {
      return system_error("monitor netlink group", fmt::format("{}", group), errno);
    }
  }
  return socket;
}

std::string name_of(std::uint16_t type) {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return "link";
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return "address";
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return "route";
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return "rule";
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return "nexthop";
    default:
      return "message";
  }
}

void drain(int socket, bool nftables, std::vector<std::string>& found) {
  alignas(nlmsghdr) std::array<char, 65536> bytes;
  while (true) {
    const auto length = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (length < 0) {
      if (errno == ENOBUFS) {
        found.emplace_back("more than the socket could hold");
        continue;
      }
      return;
    }
    auto left = static_cast<unsigned>(length);
    for (auto* message = reinterpret_cast<nlmsghdr*>(bytes.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      found.push_back(
          nftables ? fmt::format("nftables {}", message->nlmsg_type & 0xff)
                   : fmt::format("{} {}", name_of(message->nlmsg_type), message->nlmsg_type));
    }
  }
}

}  // namespace

Result<KernelMonitor> KernelMonitor::start(const std::string& netns) {
  constexpr std::array kRouteGroups = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                       RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
                                       RTNLGRP_IPV6_RULE,  RTNLGRP_NEXTHOP};
  std::vector<int> groups(kRouteGroups.begin(), kRouteGroups.end());
  auto route = monitor(netns, NETLINK_ROUTE, groups);
  if (!route) return tl::unexpected(route.error());
  const std::array nftables_groups = {static_cast<int>(NFNLGRP_NFTABLES)};
  auto nftables = monitor(netns, NETLINK_NETFILTER, nftables_groups);
  if (!nftables) return tl::unexpected(nftables.error());
  return KernelMonitor(std::move(*route), std::move(*nftables));
}

std::vector<std::string> KernelMonitor::changes() {
  std::vector<std::string> found;
  drain(route_.get(), false, found);
  drain(nftables_.get(), true, found);
  return found;
}

}  // namespace sextant::e2e
