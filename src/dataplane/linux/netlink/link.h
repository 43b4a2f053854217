// Network devices: read, made, changed, deleted.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/mac_address.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

struct Link {
  IfIndex index = IfIndex::kNone;
  std::string name;
  std::string kind;                    // "veth", "bridge", ...; empty for hardware and lo
  std::uint32_t flags = 0;             // IFF_*
  std::uint8_t operational_state = 0;  // IF_OPER_*, RFC 2863
  std::uint32_t mtu = 0;
  MacAddress mac;
  IfIndex master = IfIndex::kNone;
  IfIndex peer = IfIndex::kNone;  // IFLA_LINK: a veth's peer, a VLAN's parent
  bool peer_elsewhere = false;    // `peer` counts in another namespace

  [[nodiscard]] bool is_up() const;
  /// Up with carrier, packets pass.
  [[nodiscard]] bool is_running() const;
  [[nodiscard]] bool is_loopback() const;
};

/// Nothing where the message is not about a link.
[[nodiscard]] std::optional<Link> parse_link(const nlmsghdr& message);

[[nodiscard]] Result<std::vector<Link>> list_links(Socket& socket);
/// An Error with errno_value ENODEV where there is none.
[[nodiscard]] Result<Link> get_link(Socket& socket, const std::string& name);
[[nodiscard]] Result<Link> get_link(Socket& socket, IfIndex index);
/// Nothing where there is none.
[[nodiscard]] Result<std::optional<Link>> find_link(Socket& socket, const std::string& name);

struct VethEnd {
  std::string name;
  const Netns* netns = nullptr;  // the socket's own where null
  std::optional<MacAddress> mac = {};
  std::optional<std::uint32_t> mtu = {};
  bool up = false;
};
/// Both ends at once, each in its namespace: no device under a passing name is ever seen. Ends that
/// are wanted up are brought up afterwards; nothing stays behind where that fails.
[[nodiscard]] Result<void> create_veth(Socket& socket, const VethEnd& end, const VethEnd& peer);
/// A device of a kind that needs no data: "bridge", "dummy", "nlmon".
[[nodiscard]] Result<void> create_link(Socket& socket, const std::string& name,
                                       const std::string& kind);

struct LinkChange {
  std::optional<bool> up = {};
  std::optional<std::uint32_t> mtu = {};
  std::optional<MacAddress> mac = {};
  std::optional<std::string> name = {};
  std::optional<IfIndex> master = {};  // kNone takes it out
  const Netns* netns = nullptr;        // moves it there
};
[[nodiscard]] Result<void> change_link(Socket& socket, IfIndex index, const LinkChange& change);
[[nodiscard]] Result<void> set_link_up(Socket& socket, const std::string& name);

/// Errors: errno_value ENODEV where there is none.
[[nodiscard]] Result<void> delete_link(Socket& socket, IfIndex index);
[[nodiscard]] Result<void> delete_link(Socket& socket, const std::string& name);

/// Waits until the link is up with carrier and its queue takes packets (operational state up),
/// woken by the kernel's events. Must run inside the link's namespace. Error with ETIMEDOUT after
/// `limit`.
[[nodiscard]] Result<void> await_link_up(const std::string& name, std::chrono::milliseconds limit);

}  // namespace sextant::netlink
