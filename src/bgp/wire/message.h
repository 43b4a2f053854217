// Messages in a stream of bytes. RFC 4271 section 4.1, RFC 8654 (extended messages).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "bgp/wire/notification.h"

namespace sextant::bgp {

enum class MessageType : std::uint8_t {
  kOpen = 1,
  kUpdate = 2,
  kNotification = 3,
  kKeepalive = 4,
  kRouteRefresh = 5,
};

/// "UPDATE"
[[nodiscard]] std::string_view to_string(MessageType type);

inline constexpr std::size_t kHeaderSize = 19;
inline constexpr std::size_t kMaxMessage = 4096;
inline constexpr std::size_t kMaxExtendedMessage = 65535;

struct Message {
  MessageType type = MessageType::kKeepalive;
  std::span<const std::uint8_t> body;  // lies in the bytes given
  std::size_t size = kHeaderSize;      // of the whole message: where the next one begins
};

/// The message at the start of `bytes`; none where it is not complete yet. The error is what to
/// send before the session ends (RFC 4271 section 6.1): marker, type, a length under the type's
/// minimum or above `limit`, found as soon as the header is there. `limit` is kMaxMessage, or
/// kMaxExtendedMessage where this side announced extended messages; OPEN and KEEPALIVE stay under
/// kMaxMessage in any case (RFC 8654 section 4).
[[nodiscard]] tl::expected<std::optional<Message>, Notification> next_message(
    std::span<const std::uint8_t> bytes, std::size_t limit = kMaxMessage);

[[nodiscard]] std::vector<std::uint8_t> encode_keepalive();
/// A whole message. Precondition: header and body fit kMaxExtendedMessage.
[[nodiscard]] std::vector<std::uint8_t> encode_message(MessageType type,
                                                       std::span<const std::uint8_t> body);

}  // namespace sextant::bgp
