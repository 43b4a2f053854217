// A stream of BGP messages: framing, OPEN, NOTIFICATION, ROUTE-REFRESH. The first byte chooses the
// length limit.
#include <cstddef>
#include <cstdint>
#include <span>

#include "bgp/wire/message.h"
#include "bgp/wire/open.h"
#include "bgp/wire/route_refresh.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

namespace {

std::span<const std::uint8_t> body_of(std::span<const std::uint8_t> message) {
  const auto framed = next_message(message, kMaxExtendedMessage);
  fuzz::require(framed && *framed && (*framed)->size == message.size(), "an own message is framed");
  return (*framed)->body;
}

void read(const Message& message) {
  switch (message.type) {
    case MessageType::kOpen:
      if (const auto open = decode_open(message.body)) {
        const auto again = encode(*open);
        fuzz::require(decode_open(body_of(again)) == *open, "OPEN reads back");
      } else {
        body_of(encode(open.error()));
      }
      return;
    case MessageType::kNotification: {
      auto notification = decode_notification(message.body);
      const auto text = to_string(notification);
      fuzz::require(text.find('\n') == text.npos, "a NOTIFICATION is one line");
      const auto again = encode(notification);
      fuzz::require(again.size() <= kMaxMessage, "a NOTIFICATION needs no extended message");
      constexpr auto kMostData = kMaxMessage - kHeaderSize - 2;  // of what is sent
      if (notification.data.size() > kMostData) notification.data.resize(kMostData);
      fuzz::require(decode_notification(body_of(again)) == notification, "NOTIFICATION reads back");
      return;
    }
    case MessageType::kRouteRefresh:
      if (const auto refresh = decode_route_refresh(message.body)) {
        const auto again = encode(*refresh);
        fuzz::require(decode_route_refresh(body_of(again)) == *refresh, "ROUTE-REFRESH reads back");
      }
      return;
    case MessageType::kUpdate:  // bgp_update.cpp
    case MessageType::kKeepalive:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> bytes(data, size);
  if (bytes.empty()) return 0;
  const auto limit = (bytes[0] & 1) != 0 ? kMaxExtendedMessage : kMaxMessage;
  bytes = bytes.subspan(1);
  // Bodies are reached without a lucky marker, too.
  if (!bytes.empty()) read({static_cast<MessageType>(1 + bytes[0] % 5), bytes.subspan(1), size});
  while (true) {
    const auto message = next_message(bytes, limit);
    if (!message || !*message) return 0;
    fuzz::require((*message)->size <= bytes.size() && (*message)->size <= limit,
                  "a message lies in its stream");
    read(**message);
    bytes = bytes.subspan((*message)->size);
  }
}
