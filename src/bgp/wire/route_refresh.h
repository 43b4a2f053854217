// ROUTE-REFRESH messages. RFC 2918, RFC 7313 (enhanced).
#pragma once

#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "bgp/wire/family.h"
#include "bgp/wire/notification.h"

namespace sextant::bgp {

/// RFC 7313 section 3.2. A peer may send others: they are ignored (section 5).
enum class RefreshKind : std::uint8_t { kRequest = 0, kBegin = 1, kEnd = 2 };

struct RouteRefresh {
  Family family;
  RefreshKind kind = RefreshKind::kRequest;
  friend bool operator==(const RouteRefresh&, const RouteRefresh&) = default;
};

/// Of a message's body. Errors (RFC 7313 section 5): shorter than 4 bytes; a begin or end that is
/// not 4. A longer request carries route filters (RFC 5291), which are not ours: they are not read.
[[nodiscard]] tl::expected<RouteRefresh, Notification> decode_route_refresh(
    std::span<const std::uint8_t> body);
/// The whole message, with its header.
[[nodiscard]] std::vector<std::uint8_t> encode(const RouteRefresh& refresh);

}  // namespace sextant::bgp
