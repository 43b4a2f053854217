#include "dataplane/linux/netlink/mtu.h"

#include <algorithm>
#include <optional>
#include <set>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"

namespace sextant::netlink {

Result<std::uint32_t> underlay_mtu(Socket& socket) {
  // Addresses first: their entries are small, while a dump of links costs kilobytes for each pod.
  const auto addresses = list_addresses(socket, {.family = Family::kIpv6});
  if (!addresses) return tl::unexpected(addresses.error());
  std::set<IfIndex> global;
  for (const InterfaceAddress& address : *addresses) {
    if (address.scope == AddressScope::kUniverse) global.insert(address.link);
  }
  std::optional<std::uint32_t> smallest;
  for (const IfIndex index : global) {
    const auto link = get_link(socket, index);
    if (!link && link.error().errno_value == ENODEV) continue;  // gone since the dump
    if (!link) return tl::unexpected(link.error());
    if (!link->is_up() || link->is_loopback() || link->name.starts_with(kPodLinkPrefix) ||
        link->name.starts_with(kOwnLinkPrefix)) {
      continue;
    }
    smallest = std::min(smallest.value_or(link->mtu), link->mtu);
  }
  if (!smallest) {
    return failure("find the underlay's MTU", "", "no device with a global IPv6 address is up",
                   "give the node an IPv6 address, or set the MTU in the configuration");
  }
  return *smallest;
}

}  // namespace sextant::netlink
