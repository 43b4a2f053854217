#include "dataplane/linux/neighbor_announcer.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"

namespace sextant::dataplane {
namespace {

// RFC 4861 section 4.4: this is a router, the answer to nobody, and overrides what is cached.
constexpr std::uint8_t kRouter = 0x80, kOverride = 0x20;
constexpr std::uint8_t kTargetLinkLayerAddress = 2;
constexpr int kHopLimit = 255;  // others are ignored

std::vector<std::uint8_t> advertisement(const Ipv6Address& target, const netlink::MacAddress& mac) {
  ByteWriter message;
  message.u8(ND_NEIGHBOR_ADVERT);
  message.u8(0);
  message.u16(0);  // the checksum, which the kernel fills in
  message.u8(kRouter | kOverride);
  message.u8(0);
  message.u16(0);
  message.put(target);
  message.u8(kTargetLinkLayerAddress);
  message.u8(1);  // 8 bytes
  message.put(mac.bytes());
  return message.release();
}

Result<void> send(std::uint32_t link, const std::vector<std::uint8_t>& message) {
  const UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  sockaddr_in6 all_nodes{};
  all_nodes.sin6_family = AF_INET6;
  all_nodes.sin6_addr = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
  all_nodes.sin6_scope_id = link;
  const bool sent = fd &&
                    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kHopLimit,
                                 sizeof kHopLimit) == 0 &&
                    ::sendto(fd.get(), message.data(), message.size(), 0,
                             reinterpret_cast<const sockaddr*>(&all_nodes), sizeof all_nodes) >= 0;
  if (!sent) return system_error("announce to neighbors", "", errno);
  return {};
}

}  // namespace

void NeighborAnnouncer::announce(netlink::Socket& socket, const std::set<Uplink>& uplinks) {
  const auto links = netlink::list_links(socket);
  const auto addresses = netlink::list_addresses(socket, {.family = Family::kIpv6});
  if (!links || !addresses) return;
  std::set<Place> places;
  for (const auto& uplink : uplinks) {
    const auto link = std::ranges::find(*links, netlink::IfIndex{uplink.index},
                                        [](const auto& each) { return each.index; });
    // Without carrier the packet would be lost without a word; the next reconcile tries again.
    if (!uplink.ethernet || link == links->end() || !link->is_running()) continue;
    for (const auto& each : *addresses) {
      if (each.link != link->index || each.scope != netlink::AddressScope::kUniverse) continue;
      const Place place{uplink.index, link->mac, each.address};
      if (!announced_.contains(place)) {
        const auto sent = send(uplink.index, advertisement(each.address.v6(), link->mac));
        if (!sent) {
          log::debug("{} on {}: {}", each.address.to_string(), uplink.name, sent.error().message());
          continue;
        }
      }
      places.insert(place);
    }
  }
  announced_ = std::move(places);
}

}  // namespace sextant::dataplane
