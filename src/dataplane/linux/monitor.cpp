#include "dataplane/linux/monitor.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>

#include "base/log.h"
#include "dataplane/linux/netlink/attributes.h"

namespace sextant::dataplane {
namespace {

using netlink::Socket;

constexpr auto kNetnsNames = "/run/netns";
constexpr std::size_t kTablesBuffer = std::size_t{1} << 20;

Result<std::uint32_t> port_of(const Socket& socket) {
  sockaddr_nl address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return system_error("read netlink port", "", errno);
  }
  return address.nl_pid;
}

// Drops, in the kernel, events that a request from `port` has caused.
Result<void> ignore_own(const Socket& monitor, std::uint32_t port) {
  std::array<sock_filter, 4> program{
      // Words are loaded as network order; nlmsg_pid is in the host's.
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  if (::setsockopt(monitor.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    return system_error("filter netlink events", "", errno);
  }
  return {};
}

Result<Socket> make_monitor(std::vector<rtnetlink_groups> groups, const Socket& own) {
  auto socket = Socket::make({.groups = std::move(groups)});
  if (!socket) return socket;
  const auto port = port_of(own);
  if (!port) return tl::unexpected(port.error());
  if (auto filtered = ignore_own(*socket, *port); !filtered) {
    return tl::unexpected(filtered.error());
  }
  return socket;
}

Result<UniqueFd> open_tables_monitor() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) return system_error("open nftables events", "", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const int group = NFNLGRP_NFTABLES;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return system_error("hear nftables events", "", errno);
  }
  return fd;
}

// Every nf_tables message has the table's name as its attribute 1 (NFTA_TABLE_NAME,
// NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE).
bool is_about_sextant(const nlmsghdr& message) {
  return netlink::Attributes::of<nfgenmsg>(message).text(NFTA_TABLE_NAME) == "sextant";
}

// Calls `visit` for each message that is there; false where messages were lost.
template <typename Visit>
bool for_each_table_event(int fd, Visit visit) {
  // Not cleared: that would touch all of it at each event of the data plane.
  const auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(kTablesBuffer);
  for (;;) {
    const ssize_t size = ::recv(fd, buffer.get(), kTablesBuffer, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno != ENOBUFS;
    auto left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.get());
         NLMSG_OK(message, static_cast<std::uint32_t>(left)); message = NLMSG_NEXT(message, left)) {
      visit(*message);
    }
  }
}

}  // namespace

Result<EventSet> EventSet::make() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_error("wait for events of the data plane", "", errno);
  return EventSet(std::move(epoll));
}

Result<void> EventSet::watch(int other) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = other}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, other, &event) != 0) {
    return system_error("wait for events of the data plane", "", errno);
  }
  return {};
}

namespace {

// `ip netns del` unlinks the name.
Result<UniqueFd> open_names_watch() {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return system_error("watch", kNetnsNames, errno);
  if (::inotify_add_watch(fd.get(), kNetnsNames, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0) {
    return system_error("watch", kNetnsNames, errno);
  }
  return fd;
}

}  // namespace

Result<Monitor> Monitor::make(const Socket& host, Gateway& gateway, EventSet& events) {
  auto host_events =
      make_monitor({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                    RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_TC},
                   host);
  if (!host_events) return tl::unexpected(host_events.error());
  auto gateway_events = gateway.netns().run([&] {
    return make_monitor({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                         RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
                         RTNLGRP_NEIGH, RTNLGRP_TC},
                        gateway.socket());
  });
  if (!gateway_events) return tl::unexpected(gateway_events.error());
  auto tables = open_tables_monitor();
  if (!tables) return tl::unexpected(tables.error());
  auto gateway_tables = gateway.netns().run(open_tables_monitor);
  if (!gateway_tables) return tl::unexpected(gateway_tables.error());
  auto names = open_names_watch();
  if (!names) {  // as where others use up the machine's inotify instances
    log::warn("{}: that the gateway's name is removed shows at the next repair only",
              names.error().message());
    names = UniqueFd();
  }
  Monitor monitor(std::move(*host_events), std::move(*gateway_events),
                  {std::move(*tables), std::move(*gateway_tables)}, std::move(*names),
                  gateway.name());
  for (const int fd : {monitor.host_.fd(), monitor.gateway_.fd(), monitor.tables_[0].get(),
                       monitor.tables_[1].get(), monitor.names_.get()}) {
    if (fd < 0) continue;
    if (auto watched = events.watch(fd); !watched) return tl::unexpected(watched.error());
  }
  return monitor;
}

void Monitor::drain(const Handlers& handlers) {
  if (!host_.receive(handlers.host)) handlers.lost();
  if (!gateway_.receive(handlers.gateway)) handlers.lost();
  bool touched = false;
  for (const auto& tables : tables_) {
    const bool whole = for_each_table_event(
        tables.get(), [&](const nlmsghdr& message) { touched |= is_about_sextant(message); });
    if (!whole) handlers.lost();
  }
  if (touched) handlers.tables();
  if (name_is_gone()) handlers.name();
}

bool Monitor::name_is_gone() const {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool gone = false;
  while (names_) {
    const ssize_t size = ::read(names_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return gone;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      // An overflow has no name: it may have been anybody's.
      gone |= (event->mask & IN_Q_OVERFLOW) != 0 || (event->len != 0 && name_ == event->name);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  return gone;
}

void Monitor::skip_routing() {
  for (auto* socket : {&host_, &gateway_}) {
    // The first call may end early to tell of losses.
    if (!socket->receive([](const nlmsghdr&) {})) (void)socket->receive([](const nlmsghdr&) {});
  }
}

void Monitor::skip_own_tables() {
  // Losses do not matter here: the transaction that just ended has made the tables right. The first
  // round ends where it hears of them.
  const auto skip = [](const nlmsghdr&) {};
  for (const auto& tables : tables_) {
    if (!for_each_table_event(tables.get(), skip)) (void)for_each_table_event(tables.get(), skip);
  }
}

}  // namespace sextant::dataplane
