#include "common/kernel.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <boost/json.hpp>
#include <span>
#include <stdexcept>

#include "common/program.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{10};

std::string gateway(const std::string& node_space) { return node_space + "-gw"; }

netlink::Netns open(const std::string& node_space) {
  return must(netlink::Netns::open(gateway(node_space)));
}

using Segments = std::vector<std::string>;

/// Of each nexthop object, the segment list; of a group, that of its first member.
std::map<std::uint32_t, Segments> read_nexthops(const std::string& node_space) {
  const auto output = must(testbed::run(
      {.arguments = {"ip", "-j", "nexthop", "show"}, .netns = gateway(node_space)}, kPatience));
  std::map<std::uint32_t, Segments> all;
  std::map<std::uint32_t, std::uint32_t> groups;
  const auto parsed = json::parse(output.out);
  for (const auto& entry : parsed.as_array()) {
    const auto& fields = entry.as_object();
    const auto id = fields.at("id").to_number<std::uint32_t>();
    if (const auto* members = fields.if_contains("group")) {
      groups[id] = members->at(0).at("id").to_number<std::uint32_t>();
    } else if (const auto* segments = fields.if_contains("segs")) {
      for (const auto& segment : segments->as_array()) {
        all[id].emplace_back(segment.as_string());
      }
    }
  }
  for (const auto& [id, member] : groups) all[id] = all[member];
  return all;
}

}  // namespace

std::map<IpPrefix, Segments> segment_lists(const std::string& node_space) {
  const auto nexthops = read_nexthops(node_space);
  std::map<IpPrefix, Segments> lists;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto routes = must(open(node_space).run([&]() -> Result<std::vector<netlink::Route>> {
      auto socket = netlink::Socket::make();
      if (!socket) return tl::unexpected(socket.error());
      return netlink::list_routes(*socket, {.family = family, .table = netlink::TableId::kMain});
    }));
    for (const auto& route : routes) {
      const auto found = nexthops.find(static_cast<std::uint32_t>(route.nexthop));
      if (found != nexthops.end()) lists[route.destination] = found->second;
    }
  }
  return lists;
}

KernelEvents::KernelEvents(const std::string& node_space)
    : socket_(must(open(node_space).run([] {
        return netlink::Socket::make(
            {.groups = {RTNLGRP_NEXTHOP, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}});
      }))) {}

void KernelEvents::drain() {
  must(socket_.receive([](const nlmsghdr&) {}));
}

KernelEvents::Clock::time_point KernelEvents::await(const Match& match, std::size_t count,
                                                    std::chrono::seconds patience) {
  std::size_t seen = 0;
  for (const auto end = Clock::now() + patience; Clock::now() < end;) {
    check_interruption();
    pollfd ready{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    constexpr int kPollMs = 200;  // an interruption is heeded in between
    if (::poll(&ready, 1, kPollMs) != 1) continue;
    const auto now = Clock::now();
    must(socket_.receive([&](const nlmsghdr& message) {
      if (match(message)) ++seen;
    }));
    if (seen >= count) return now;
  }
  throw std::runtime_error(fmt::format("the kernel told of {} changes instead of {}", seen, count));
}

KernelEvents::Clock::time_point KernelEvents::await(std::uint16_t type, const IpAddress& address,
                                                    std::size_t count) {
  const auto wanted = address.bytes();
  const auto match = [&](const nlmsghdr& message) {
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(&message), message.nlmsg_len);
    return message.nlmsg_type == type && !std::ranges::search(bytes, wanted).empty();
  };
  return await(match, count, kPatience);
}

}  // namespace sextant::bench
