#include "bgp/wire/message.h"

#include <algorithm>
#include <cassert>

#include "base/bytes.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kMarkerSize = 16;

// RFC 4271 section 6.1; of ROUTE-REFRESH, RFC 7313 has an error of its own.
std::size_t minimum_size(MessageType type) {
  switch (type) {
    case MessageType::kOpen:
      return 29;
    case MessageType::kUpdate:
      return 23;
    case MessageType::kNotification:
      return 21;
    case MessageType::kKeepalive:
    case MessageType::kRouteRefresh:
      break;
  }
  return kHeaderSize;
}

// KEEPALIVE is a bare header; OPEN is sent before anything is agreed (RFC 8654 section 4).
std::size_t maximum_size(MessageType type, std::size_t limit) {
  if (type == MessageType::kKeepalive) return kHeaderSize;
  return type == MessageType::kOpen ? std::min(limit, kMaxMessage) : limit;
}

}  // namespace

std::string_view to_string(MessageType type) {
  switch (type) {
    case MessageType::kOpen:
      return "OPEN";
    case MessageType::kUpdate:
      return "UPDATE";
    case MessageType::kNotification:
      return "NOTIFICATION";
    case MessageType::kKeepalive:
      return "KEEPALIVE";
    case MessageType::kRouteRefresh:
      return "ROUTE-REFRESH";
  }
  return "unknown";
}

tl::expected<std::optional<Message>, Notification> next_message(std::span<const std::uint8_t> bytes,
                                                                std::size_t limit) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  if (!std::ranges::all_of(bytes.first(kMarkerSize), [](auto byte) { return byte == 0xff; })) {
    return tl::unexpected(notification(HeaderError::kNotSynchronized));
  }
  const auto length_bytes = bytes.subspan(kMarkerSize, 2);
  const std::size_t size = static_cast<std::size_t>(length_bytes[0] << 8U) | length_bytes[1];
  const auto bad_length = [&] {
    return tl::unexpected(
        notification(HeaderError::kBadLength, {length_bytes.begin(), length_bytes.end()}));
  };
  if (size < kHeaderSize || size > limit) return bad_length();
  const auto type = static_cast<MessageType>(bytes[kHeaderSize - 1]);
  if (type < MessageType::kOpen || type > MessageType::kRouteRefresh) {
    return tl::unexpected(notification(HeaderError::kBadType, {bytes[kHeaderSize - 1]}));
  }
  if (size < minimum_size(type) || size > maximum_size(type, limit)) return bad_length();
  if (bytes.size() < size) return std::nullopt;
  return Message{type, bytes.subspan(kHeaderSize, size - kHeaderSize), size};
}

std::vector<std::uint8_t> encode_keepalive() { return encode_message(MessageType::kKeepalive, {}); }

std::vector<std::uint8_t> encode_message(MessageType type, std::span<const std::uint8_t> body) {
  const std::size_t size = kHeaderSize + body.size();
  assert(size <= kMaxExtendedMessage);
  std::vector<std::uint8_t> message;
  message.reserve(size);
  message.assign(kMarkerSize, 0xff);
  message.push_back(static_cast<std::uint8_t>(size >> 8));
  message.push_back(static_cast<std::uint8_t>(size));
  message.push_back(static_cast<std::uint8_t>(type));
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

}  // namespace sextant::bgp
