// Addresses of network devices.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

/// RFC 4007's scopes as the kernel numbers them (rt_scope_t).
enum class AddressScope : std::uint8_t { kUniverse = 0, kSite = 200, kLink = 253, kHost = 254 };

struct InterfaceAddress {
  IfIndex link = IfIndex::kNone;
  IpAddress address;
  std::uint8_t prefix_length = 0;
  AddressScope scope = AddressScope::kUniverse;
  /// IFA_F_*; IPv6 is added with IFA_F_NODAD, so that it is usable at once.
  std::uint32_t flags = 0;

  /// "10.0.0.1/24"
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] std::optional<InterfaceAddress> parse_address(const nlmsghdr& message);

/// Idempotent: an address that is there already is no error.
[[nodiscard]] Result<void> add_address(Socket& socket, const InterfaceAddress& address);
/// Waits until the kernel delivers packets for `address` to this machine, woken by its events. The
/// kernel inserts the local route of an IPv6 address from a work queue, after add_address() has
/// returned; until then packets for it are forwarded or dropped. Must run inside the namespace.
/// Error with ETIMEDOUT after `limit`.
[[nodiscard]] Result<void> await_address(const IpAddress& address,
                                         std::chrono::milliseconds limit = std::chrono::seconds(5));
/// Error with EADDRNOTAVAIL where it is not there.
[[nodiscard]] Result<void> delete_address(Socket& socket, const InterfaceAddress& address);

struct AddressFilter {
  std::optional<Family> family = {};
  std::optional<IfIndex> link = {};
};
[[nodiscard]] Result<std::vector<InterfaceAddress>> list_addresses(
    Socket& socket, const AddressFilter& filter = {});

}  // namespace sextant::netlink
