#include "dataplane/linux/blame.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"

namespace sextant::dataplane {
namespace {

namespace fs = std::filesystem;

// proc(5) has no page for it: "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode", where Pid is
// the port.
std::string inode_of_port(std::uint32_t port) {
  std::ifstream table("/proc/thread-self/net/netlink");
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::array<std::string, 10> columns;
    for (auto& column : columns) words >> column;
    if (columns[1] == std::to_string(NETLINK_ROUTE) && columns[2] == std::to_string(port)) {
      return columns[9];
    }
  }
  return {};
}

std::string named(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name + " (process " + process.filename().string() + ")";
}

std::string object_of(const nlmsghdr& event) {
  switch (event.nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto route = netlink::parse_route(event);
      if (!route) return "a route";
      const bool ours = route->protocol == netlink::RouteProtocol::kSextant;
      return "route " + route->to_string() +
             (ours ? "" : " of protocol " + netlink::to_string(route->protocol));
    }
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const auto link = netlink::parse_link(event);
      return link ? "device " + link->name : "a device";
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const auto address = netlink::parse_address(event);
      return address ? "address " + address->to_string() : "an address";
    }
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return "a routing rule";
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return "a nexthop";
    case RTM_DELNEIGH:
      return "a neighbor";
    default:
      return "something";
  }
}

bool is_deletion(std::uint16_t type) {
  switch (type) {
    case RTM_DELROUTE:
    case RTM_DELLINK:
    case RTM_DELADDR:
    case RTM_DELRULE:
    case RTM_DELNEXTHOP:
    case RTM_DELNEIGH:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool holds_file(const fs::path& process, const std::string& link) {
  std::error_code error;
  fs::directory_iterator at(process / "fd", error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(at->path(), gone) == link) return true;
  }
  return false;
}

std::string process_of_port(std::uint32_t port) {
  if (port == 0) return "the kernel";
  constexpr auto kGone = "a process that has ended";
  const auto inode = inode_of_port(port);
  if (inode.empty()) return kGone;
  const auto link = "socket:[" + inode + "]";
  // A process's first socket mostly has the process's number for its port.
  if (const auto likely = fs::path("/proc") / std::to_string(port); holds_file(likely, link)) {
    return named(likely);
  }
  std::error_code error;
  fs::directory_iterator at("/proc", error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto name = at->path().filename().string();
    const bool process = name.find_first_not_of("0123456789") == std::string::npos;
    if (process && holds_file(at->path(), link)) return named(at->path());
  }
  return kGone;
}

std::string describe_event(const nlmsghdr& event) {
  return object_of(event) + (is_deletion(event.nlmsg_type) ? " deleted by " : " changed by ") +
         process_of_port(event.nlmsg_pid);
}

}  // namespace sextant::dataplane
