// The kernel's numbers as types of their own, so that an interface index is never taken for a
// table.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <type_traits>

#include "base/ip.h"

namespace sextant::netlink {

enum class IfIndex : std::uint32_t { kNone = 0 };

enum class TableId : std::uint32_t { kUnspecified = 0, kDefault = 253, kMain = 254, kLocal = 255 };

/// Who installed a route or rule (rtm_protocol).
enum class RouteProtocol : std::uint8_t {
  kUnspecified = 0,
  kRedirect = 1,
  kKernel = 2,
  kBoot = 3,
  kStatic = 4,
  /// The data plane's routes and rules.
  kSextant = 200,
  /// The CNI plugin's routes to the pods of this node.
  kSextantCni = 201,
};

enum class NexthopId : std::uint32_t { kNone = 0 };

template <typename Id>
[[nodiscard]] constexpr auto number(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

/// AF_INET or AF_INET6, in the width of netlink's headers.
[[nodiscard]] constexpr std::uint8_t address_family(Family family) {
  return family == Family::kIpv4 ? AF_INET : AF_INET6;
}

}  // namespace sextant::netlink
