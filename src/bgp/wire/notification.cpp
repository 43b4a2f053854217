#include "bgp/wire/notification.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kMaxShutdownText = 255;  // RFC 9003 section 2

template <typename Subcode>
Notification make(ErrorCode code, Subcode subcode, std::vector<std::uint8_t> data) {
  return {code, static_cast<std::uint8_t>(subcode), std::move(data)};
}

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMessageHeader:
      return "Message Header Error";
    case ErrorCode::kOpen:
      return "OPEN Message Error";
    case ErrorCode::kUpdate:
      return "UPDATE Message Error";
    case ErrorCode::kHoldTimerExpired:
      return "Hold Timer Expired";
    case ErrorCode::kFsm:
      return "Finite State Machine Error";
    case ErrorCode::kCease:
      return "Cease";
    case ErrorCode::kRouteRefresh:
      return "ROUTE-REFRESH Message Error";
  }
  return {};
}

// IANA "BGP Error Subcodes", by index; empty where none is assigned.
std::span<const std::string_view> subcode_names(ErrorCode code) {
  static constexpr std::string_view kHeader[] = {"", "Connection Not Synchronized",
                                                 "Bad Message Length", "Bad Message Type"};
  static constexpr std::string_view kOpen[] = {
      "",
      "Unsupported Version Number",
      "Bad Peer AS",
      "Bad BGP Identifier",
      "Unsupported Optional Parameter",
      "",
      "Unacceptable Hold Time",
      "Unsupported Capability",
      "",
      "",
      "",
      "Role Mismatch",
  };
  static constexpr std::string_view kUpdate[] = {
      "",
      "Malformed Attribute List",
      "Unrecognized Well-known Attribute",
      "Missing Well-known Attribute",
      "Attribute Flags Error",
      "Attribute Length Error",
      "Invalid ORIGIN Attribute",
      "",
      "Invalid NEXT_HOP Attribute",
      "Optional Attribute Error",
      "Invalid Network Field",
      "Malformed AS_PATH",
  };
  static constexpr std::string_view kFsm[] = {
      "",
      "Receive Unexpected Message in OpenSent State",
      "Receive Unexpected Message in OpenConfirm State",
      "Receive Unexpected Message in Established State",
  };
  static constexpr std::string_view kCease[] = {
      "",
      "Maximum Number of Prefixes Reached",
      "Administrative Shutdown",
      "Peer De-configured",
      "Administrative Reset",
      "Connection Rejected",
      "Other Configuration Change",
      "Connection Collision Resolution",
      "Out of Resources",
      "Hard Reset",
      "BFD Down",
  };
  static constexpr std::string_view kRefresh[] = {"", "Invalid Message Length"};
  switch (code) {
    case ErrorCode::kMessageHeader:
      return kHeader;
    case ErrorCode::kOpen:
      return kOpen;
    case ErrorCode::kUpdate:
      return kUpdate;
    case ErrorCode::kFsm:
      return kFsm;
    case ErrorCode::kCease:
      return kCease;
    case ErrorCode::kRouteRefresh:
      return kRefresh;
    case ErrorCode::kHoldTimerExpired:
      break;
  }
  return {};
}

// At most `limit` bytes, ending at the end of a character.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

Notification notification(HeaderError error, std::vector<std::uint8_t> data) {
  return make(ErrorCode::kMessageHeader, error, std::move(data));
}
Notification notification(OpenError error, std::vector<std::uint8_t> data) {
  return make(ErrorCode::kOpen, error, std::move(data));
}
Notification notification(UpdateError error, std::vector<std::uint8_t> data) {
  return make(ErrorCode::kUpdate, error, std::move(data));
}
Notification notification(FsmError error) { return make(ErrorCode::kFsm, error, {}); }
Notification notification(CeaseReason reason, std::vector<std::uint8_t> data) {
  return make(ErrorCode::kCease, reason, std::move(data));
}
Notification notification(RefreshError error, std::vector<std::uint8_t> data) {
  return make(ErrorCode::kRouteRefresh, error, std::move(data));
}
Notification hold_timer_expired() { return {ErrorCode::kHoldTimerExpired, 0, {}}; }

Notification with_text(CeaseReason reason, std::string_view text) {
  const std::string utf8 = as_utf8(text);
  const std::string_view fitting = cut(utf8, kMaxShutdownText);
  std::vector<std::uint8_t> data{static_cast<std::uint8_t>(fitting.size())};
  data.insert(data.end(), fitting.begin(), fitting.end());
  return notification(reason, std::move(data));
}

std::optional<std::string> shutdown_text(const Notification& notification) {
  const auto is = [&](CeaseReason reason) {
    return notification.code == ErrorCode::kCease &&
           notification.subcode == static_cast<std::uint8_t>(reason);
  };
  if (!is(CeaseReason::kAdministrativeShutdown) && !is(CeaseReason::kAdministrativeReset)) {
    return std::nullopt;
  }
  ByteReader reader(notification.data);
  const auto bytes = reader.take(reader.u8());
  if (!reader.ok() || bytes.empty()) return std::nullopt;
  std::string text(bytes.begin(), bytes.end());
  if (as_utf8(text) != text) return std::nullopt;
  return text;
}

std::string to_string(const Notification& notification) {
  const auto code = static_cast<unsigned>(notification.code);
  std::string text(code_name(notification.code));
  if (text.empty()) text = "code " + std::to_string(code);
  const auto names = subcode_names(notification.code);
  if (notification.subcode < names.size() && !names[notification.subcode].empty()) {
    text += " / " + std::string(names[notification.subcode]);
  } else if (notification.subcode != 0) {
    text += " / subcode " + std::to_string(notification.subcode);
  }
  if (auto said = shutdown_text(notification)) {
    // A log line stays one line, and a terminal keeps its colors.
    std::ranges::replace_if(
        *said, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    text += ": " + *said;
  }
  return text;
}

std::vector<std::uint8_t> encode(const Notification& notification) {
  std::vector<std::uint8_t> body{static_cast<std::uint8_t>(notification.code),
                                 notification.subcode};
  // Whatever the peer takes: a copy of what it sent may be as long as an extended message.
  const auto room = kMaxMessage - kHeaderSize - body.size();
  const auto fitting = std::span(notification.data).first(std::min(notification.data.size(), room));
  body.insert(body.end(), fitting.begin(), fitting.end());
  return encode_message(MessageType::kNotification, body);
}

Notification decode_notification(std::span<const std::uint8_t> body) {
  ByteReader reader(body);
  Notification notification;
  notification.code = static_cast<ErrorCode>(reader.u8());
  notification.subcode = reader.u8();
  const auto data = reader.take(reader.remaining());
  notification.data.assign(data.begin(), data.end());
  return notification;
}

}  // namespace sextant::bgp
