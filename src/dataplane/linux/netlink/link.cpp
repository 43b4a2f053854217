#include "dataplane/linux/netlink/link.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/veth.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/await.h"

namespace sextant::netlink {
namespace {

std::string label(IfIndex index) { return "index " + std::to_string(number(index)); }

// Beyond IFNAMSIZ the kernel would refuse with a text about attributes; say it in the user's words.
Result<void> check_name(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return failure("name link", "'" + name + "'",
                   name.empty() ? "empty name" : std::to_string(name.size()) + " characters",
                   "a device's name has 1 to 15 characters");
  }
  return {};
}

ifinfomsg link_header(IfIndex index) {
  return {.ifi_family = AF_UNSPEC, .ifi_index = static_cast<int>(number(index))};
}

// The peer comes up in a request of its own: a veth cannot be opened while it has no other end yet
// (ENOTCONN).
Result<void> bring_up(Socket& socket, const VethEnd& end) {
  if (end.netns == nullptr) return set_link_up(socket, end.name);
  return end.netns->run([&]() -> Result<void> {
    auto inside = Socket::make();
    if (!inside) return tl::unexpected(inside.error());
    return set_link_up(*inside, end.name);
  });
}

// Undoes a half made veth; either end takes the other one with it.
void discard(Socket& socket, const VethEnd& end) {
  if (end.netns == nullptr) {
    (void)delete_link(socket, end.name);
    return;
  }
  (void)end.netns->run([&]() -> Result<void> {
    auto inside = Socket::make();
    if (!inside) return tl::unexpected(inside.error());
    return delete_link(*inside, end.name);
  });
}

void put_end(Message& message, const VethEnd& end) {
  message.text(IFLA_IFNAME, end.name);
  if (end.mtu) message.u32(IFLA_MTU, *end.mtu);
  if (end.mac) message.bytes(IFLA_ADDRESS, end.mac->bytes());
  if (end.netns != nullptr) message.s32(IFLA_NET_NS_FD, end.netns->fd());
}

Result<Link> get(Socket& socket, Message message) {
  std::optional<Link> link;
  const std::string object = message.object();
  auto done =
      socket.request(std::move(message), [&](const nlmsghdr& reply) { link = parse_link(reply); });
  if (!done) return tl::unexpected(done.error());
  if (!link) return failure("read link", object, "the kernel's answer has no link");
  return *link;
}

}  // namespace

bool Link::is_up() const { return (flags & IFF_UP) != 0; }
bool Link::is_running() const { return (flags & IFF_RUNNING) != 0; }
bool Link::is_loopback() const { return (flags & IFF_LOOPBACK) != 0; }

std::optional<Link> parse_link(const nlmsghdr& message) {
  const auto* header = fixed_header<ifinfomsg>(message);
  if (header == nullptr ||
      (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK)) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of<ifinfomsg>(message);
  Link link;
  link.index = IfIndex(static_cast<std::uint32_t>(header->ifi_index));
  link.flags = header->ifi_flags;
  link.name = attributes.text(IFLA_IFNAME).value_or("");
  link.kind = attributes.nest(IFLA_LINKINFO).text(IFLA_INFO_KIND).value_or("");
  link.operational_state = attributes.u8(IFLA_OPERSTATE).value_or(0);
  link.mtu = attributes.u32(IFLA_MTU).value_or(0);
  link.mac = attributes.structure<MacAddress>(IFLA_ADDRESS).value_or(MacAddress{});
  link.master = IfIndex(attributes.u32(IFLA_MASTER).value_or(0));
  link.peer = IfIndex(attributes.u32(IFLA_LINK).value_or(0));
  link.peer_elsewhere = attributes.has(IFLA_LINK_NETNSID);
  return link;
}

Result<std::vector<Link>> list_links(Socket& socket) {
  std::vector<Link> links;
  auto done = socket.dump({RTM_GETLINK, 0, ifinfomsg{}}, [&](const nlmsghdr& message) {
    if (auto link = parse_link(message)) links.push_back(std::move(*link));
  });
  if (!done) return tl::unexpected(done.error());
  return links;
}

Result<Link> get_link(Socket& socket, const std::string& name) {
  if (auto checked = check_name(name); !checked) return tl::unexpected(checked.error());
  Message message(RTM_GETLINK, 0, ifinfomsg{});
  return get(socket, std::move(message.text(IFLA_IFNAME, name).about(name)));
}

Result<Link> get_link(Socket& socket, IfIndex index) {
  Message message(RTM_GETLINK, 0, link_header(index));
  return get(socket, std::move(message.about(label(index))));
}

Result<std::optional<Link>> find_link(Socket& socket, const std::string& name) {
  auto link = get_link(socket, name);
  if (link) return std::optional<Link>(std::move(*link));
  if (link.error().errno_value == ENODEV) return std::optional<Link>{};
  return tl::unexpected(link.error());
}

Result<void> create_veth(Socket& socket, const VethEnd& end, const VethEnd& peer) {
  if (auto checked = check_name(end.name); !checked) return checked;
  if (auto checked = check_name(peer.name); !checked) return checked;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  put_end(message, end);
  {
    auto info = message.nest(IFLA_LINKINFO);
    message.text(IFLA_INFO_KIND, "veth");
    auto data = message.nest(IFLA_INFO_DATA);
    auto other = message.nest(VETH_INFO_PEER);
    message.append(ifinfomsg{});
    put_end(message, peer);
  }
  message.about("veth " + end.name + " to " + peer.name);
  if (auto made = socket.request(std::move(message)); !made) return made;
  for (const VethEnd* each : {&end, &peer}) {
    if (!each->up) continue;
    if (auto up = bring_up(socket, *each); !up) {
      discard(socket, end);
      return up;
    }
  }
  return {};
}

Result<void> create_link(Socket& socket, const std::string& name, const std::string& kind) {
  if (auto checked = check_name(name); !checked) return checked;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.text(IFLA_IFNAME, name);
  {
    auto info = message.nest(IFLA_LINKINFO);
    message.text(IFLA_INFO_KIND, kind);
  }
  return socket.request(std::move(message.about(kind + " " + name)));
}

Result<void> change_link(Socket& socket, IfIndex index, const LinkChange& change) {
  if (change.name) {
    if (auto checked = check_name(*change.name); !checked) return checked;
  }
  ifinfomsg header = link_header(index);
  if (change.up) {
    header.ifi_change = IFF_UP;
    header.ifi_flags = *change.up ? IFF_UP : 0;
  }
  Message message(RTM_SETLINK, 0, header);
  if (change.mtu) message.u32(IFLA_MTU, *change.mtu);
  if (change.mac) message.bytes(IFLA_ADDRESS, change.mac->bytes());
  if (change.name) message.text(IFLA_IFNAME, *change.name);
  if (change.master) message.u32(IFLA_MASTER, number(*change.master));
  if (change.netns != nullptr) message.s32(IFLA_NET_NS_FD, change.netns->fd());
  return socket.request(std::move(message.about(label(index))));
}

Result<void> set_link_up(Socket& socket, const std::string& name) {
  const auto link = get_link(socket, name);
  if (!link) return tl::unexpected(link.error());
  return change_link(socket, link->index, {.up = true});
}

Result<void> delete_link(Socket& socket, IfIndex index) {
  Message message(RTM_DELLINK, 0, link_header(index));
  return socket.request(std::move(message.about(label(index))));
}

Result<void> delete_link(Socket& socket, const std::string& name) {
  if (auto checked = check_name(name); !checked) return checked;
  Message message(RTM_DELLINK, 0, ifinfomsg{});
  return socket.request(std::move(message.text(IFLA_IFNAME, name).about(name)));
}

Result<void> await_link_up(const std::string& name, std::chrono::milliseconds limit) {
  auto awaited =
      await_state("await link up", name, RTNLGRP_LINK, limit, [&](Socket& socket) -> Result<bool> {
        const auto link = get_link(socket, name);
        if (!link) return tl::unexpected(link.error());
        return link->is_up() && link->operational_state == IF_OPER_UP;
      });
  if (!awaited && awaited.error().errno_value == ETIMEDOUT) {
    awaited.error().hint = "is the other end up?";
  }
  return awaited;
}

}  // namespace sextant::netlink
