#include "bgp/wire/route_refresh.h"

#include "base/bytes.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {

tl::expected<RouteRefresh, Notification> decode_route_refresh(std::span<const std::uint8_t> body) {
  // RFC 7313 section 3.2: the reserved byte of RFC 2918 became the subtype.
  ByteReader reader(body);
  RouteRefresh refresh;
  refresh.family.afi = static_cast<Afi>(reader.u16());
  refresh.kind = static_cast<RefreshKind>(reader.u8());
  refresh.family.safi = static_cast<Safi>(reader.u8());
  const bool marks = refresh.kind == RefreshKind::kBegin || refresh.kind == RefreshKind::kEnd;
  if (!reader.ok() || (marks && reader.remaining() != 0)) {
    return tl::unexpected(notification(RefreshError::kInvalidLength,
                                       encode_message(MessageType::kRouteRefresh, body)));
  }
  return refresh;
}

std::vector<std::uint8_t> encode(const RouteRefresh& refresh) {
  ByteWriter body;
  body.u16(static_cast<std::uint16_t>(refresh.family.afi));
  body.u8(static_cast<std::uint8_t>(refresh.kind));
  body.u8(static_cast<std::uint8_t>(refresh.family.safi));
  return encode_message(MessageType::kRouteRefresh, body.bytes());
}

}  // namespace sextant::bgp
