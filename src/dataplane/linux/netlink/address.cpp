#include "dataplane/linux/netlink/address.h"

#include <linux/if_addr.h>

#include <cerrno>

#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/await.h"
#include "dataplane/linux/netlink/route.h"

namespace sextant::netlink {
namespace {

Message address_message(std::uint16_t type, std::uint16_t flags, const InterfaceAddress& address) {
  Message message(type, flags,
                  ifaddrmsg{.ifa_family = address_family(address.address.family()),
                            .ifa_prefixlen = address.prefix_length,
                            .ifa_scope = static_cast<std::uint8_t>(address.scope),
                            .ifa_index = number(address.link)});
  message.address(IFA_LOCAL, address.address).address(IFA_ADDRESS, address.address);
  message.about(address.to_string() + " on link " + std::to_string(number(address.link)));
  return message;
}

}  // namespace

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(prefix_length);
}

std::optional<InterfaceAddress> parse_address(const nlmsghdr& message) {
  const auto* header = fixed_header<ifaddrmsg>(message);
  if (header == nullptr ||
      (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR)) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of<ifaddrmsg>(message);
  // On point-to-point links IFA_ADDRESS is the peer's; IFA_LOCAL, where given, is always ours.
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  if (!address) return std::nullopt;
  return InterfaceAddress{.link = IfIndex(header->ifa_index),
                          .address = *address,
                          .prefix_length = header->ifa_prefixlen,
                          .scope = static_cast<AddressScope>(header->ifa_scope),
                          .flags = attributes.u32(IFA_FLAGS).value_or(header->ifa_flags)};
}

Result<void> add_address(Socket& socket, const InterfaceAddress& address) {
  Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  std::uint32_t flags = address.flags;
  if (address.address.is_v6()) flags |= IFA_F_NODAD;
  if (flags != 0) message.u32(IFA_FLAGS, flags);
  auto added = socket.request(std::move(message));
  if (!added && added.error().errno_value == EEXIST) return {};
  return added;
}

Result<void> await_address(const IpAddress& address, std::chrono::milliseconds limit) {
  const auto group = address.is_v4() ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
  return await_state(
      "await address", address.to_string(), group, limit, [&](Socket& socket) -> Result<bool> {
        const auto route = lookup_route(socket, address);
        if (route) return route->type == RouteType::kLocal;
        switch (route.error().errno_value) {
          case ENETUNREACH:  // no route at all, or one of type unreachable, prohibit or blackhole
          case EHOSTUNREACH:
          case EACCES:
          case EINVAL:
            return false;
          default:
            return tl::unexpected(route.error());
        }
      });
}

Result<void> delete_address(Socket& socket, const InterfaceAddress& address) {
  return socket.request(address_message(RTM_DELADDR, 0, address));
}

Result<std::vector<InterfaceAddress>> list_addresses(Socket& socket, const AddressFilter& filter) {
  ifaddrmsg header{};
  if (filter.family) header.ifa_family = address_family(*filter.family);
  if (filter.link) header.ifa_index = number(*filter.link);
  std::vector<InterfaceAddress> addresses;
  auto done = socket.dump({RTM_GETADDR, 0, header}, [&](const nlmsghdr& message) {
    if (auto address = parse_address(message)) addresses.push_back(*address);
  });
  if (!done) return tl::unexpected(done.error());
  return addresses;
}

}  // namespace sextant::netlink
