#include "dataplane/linux/uplinks.h"

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"

namespace sextant::dataplane {

Result<Uplinks> Uplinks::read(netlink::Socket& socket) {
  const auto links = netlink::list_links(socket);
  if (!links) return tl::unexpected(links.error());
  const auto addresses = netlink::list_addresses(socket, {.family = Family::kIpv6});
  if (!addresses) return tl::unexpected(addresses.error());
  std::set<netlink::IfIndex> global;
  for (const auto& address : *addresses) {
    if (address.scope == netlink::AddressScope::kUniverse) global.insert(address.link);
  }
  Uplinks uplinks;
  for (const auto& link : *links) {
    const bool ours = link.name == kHostInner || link.name == kHostOuter ||
                      link.name.starts_with(kPodDevicePrefix);
    if (ours || link.is_loopback() || !global.contains(link.index)) continue;
    // A device without a hardware address carries no Ethernet header to rewrite.
    if (link.mac != netlink::MacAddress{}) {
      uplinks.ethernet_.insert({.index = netlink::number(link.index), .name = link.name});
    }
  }
  // None up at the moment: pods keep the minimum, which passes everywhere.
  if (const auto mtu = netlink::underlay_mtu(socket)) uplinks.mtu_ = *mtu;
  return uplinks;
}

}  // namespace sextant::dataplane
