#include "dataplane/linux/netlink/neighbor.h"

#include <linux/neighbour.h>

#include <cerrno>

#include "dataplane/linux/netlink/attributes.h"

namespace sextant::netlink {
namespace {

ndmsg neighbor_header(IfIndex link, const IpAddress& address, std::uint16_t state) {
  return {.ndm_family = address_family(address.family()),
          .ndm_ifindex = static_cast<std::int32_t>(number(link)),
          .ndm_state = state};
}

std::string label(IfIndex link, const IpAddress& address) {
  return address.to_string() + " on link " + std::to_string(number(link));
}

}  // namespace

bool Neighbor::is_permanent() const { return (state & NUD_PERMANENT) != 0; }

Result<void> set_permanent_neighbor(Socket& socket, const Neighbor& neighbor) {
  Message message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
                  neighbor_header(neighbor.link, neighbor.address, NUD_PERMANENT));
  message.address(NDA_DST, neighbor.address).bytes(NDA_LLADDR, neighbor.mac.bytes());
  return socket.request(std::move(message.about(label(neighbor.link, neighbor.address))));
}

Result<void> delete_neighbor(Socket& socket, IfIndex link, const IpAddress& address) {
  Message message(RTM_DELNEIGH, 0, neighbor_header(link, address, 0));
  return socket.request(std::move(message.address(NDA_DST, address).about(label(link, address))));
}

Result<std::vector<Neighbor>> list_neighbors(Socket& socket, std::optional<IfIndex> link) {
  Message request(RTM_GETNEIGH, 0, ndmsg{});
  if (link) request.u32(NDA_IFINDEX, number(*link));
  std::vector<Neighbor> neighbors;
  auto done = socket.dump(std::move(request), [&](const nlmsghdr& message) {
    const auto* header = fixed_header<ndmsg>(message);
    if (header == nullptr || message.nlmsg_type != RTM_NEWNEIGH) return;
    const auto attributes = Attributes::of<ndmsg>(message);
    const auto address = attributes.address(NDA_DST);
    if (!address) return;
    neighbors.push_back({.link = IfIndex(static_cast<std::uint32_t>(header->ndm_ifindex)),
                         .address = *address,
                         .mac = attributes.structure<MacAddress>(NDA_LLADDR).value_or(MacAddress{}),
                         .state = header->ndm_state});
  });
  if (!done) return tl::unexpected(done.error());
  return neighbors;
}

}  // namespace sextant::netlink
