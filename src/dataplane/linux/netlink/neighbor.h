// Neighbor entries (ARP and ND).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/mac_address.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

struct Neighbor {
  IfIndex link = IfIndex::kNone;
  IpAddress address;
  MacAddress mac;
  std::uint16_t state = 0;  // NUD_*

  [[nodiscard]] bool is_permanent() const;
};

/// Adds or replaces a permanent entry: it is never probed and never ages. `state` is ignored.
[[nodiscard]] Result<void> set_permanent_neighbor(Socket& socket, const Neighbor& neighbor);
[[nodiscard]] Result<void> delete_neighbor(Socket& socket, IfIndex link, const IpAddress& address);
[[nodiscard]] Result<std::vector<Neighbor>> list_neighbors(Socket& socket,
                                                           std::optional<IfIndex> link = {});

}  // namespace sextant::netlink
