// NOTIFICATION messages: why a session ends. RFC 4271 sections 4.5 and 6, RFC 4486 (Cease),
// RFC 5492, RFC 6608 (FSM), RFC 7313, RFC 8538, RFC 9003 (shutdown communication).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::bgp {

enum class ErrorCode : std::uint8_t {
  kMessageHeader = 1,
  kOpen = 2,
  kUpdate = 3,
  kHoldTimerExpired = 4,
  kFsm = 5,
  kCease = 6,
  kRouteRefresh = 7,
};

enum class HeaderError : std::uint8_t { kNotSynchronized = 1, kBadLength = 2, kBadType = 3 };

enum class OpenError : std::uint8_t {
  kUnspecific = 0,
  kUnsupportedVersion = 1,
  kBadPeerAs = 2,
  kBadIdentifier = 3,
  kUnsupportedParameter = 4,
  kUnacceptableHoldTime = 6,
  kUnsupportedCapability = 7,
};

enum class UpdateError : std::uint8_t {
  kUnspecific = 0,
  kMalformedAttributeList = 1,
  kUnrecognizedWellKnown = 2,
  kMissingWellKnown = 3,
  kAttributeFlags = 4,
  kAttributeLength = 5,
  kInvalidOrigin = 6,
  kInvalidNextHop = 8,
  kOptionalAttribute = 9,
  kInvalidNetworkField = 10,
  kMalformedAsPath = 11,
};

enum class FsmError : std::uint8_t {
  kUnspecific = 0,
  kUnexpectedInOpenSent = 1,
  kUnexpectedInOpenConfirm = 2,
  kUnexpectedInEstablished = 3,
};

enum class CeaseReason : std::uint8_t {
  kUnspecific = 0,
  kMaximumPrefixes = 1,
  kAdministrativeShutdown = 2,
  kPeerDeconfigured = 3,
  kAdministrativeReset = 4,
  kConnectionRejected = 5,
  kOtherConfigurationChange = 6,
  kCollisionResolution = 7,
  kOutOfResources = 8,
  kHardReset = 9,
};

enum class RefreshError : std::uint8_t { kInvalidLength = 1 };

struct Notification {
  ErrorCode code = ErrorCode::kCease;
  std::uint8_t subcode = 0;
  std::vector<std::uint8_t> data = {};
  friend bool operator==(const Notification&, const Notification&) = default;
};

[[nodiscard]] Notification notification(HeaderError error, std::vector<std::uint8_t> data = {});
[[nodiscard]] Notification notification(OpenError error, std::vector<std::uint8_t> data = {});
[[nodiscard]] Notification notification(UpdateError error, std::vector<std::uint8_t> data = {});
[[nodiscard]] Notification notification(FsmError error);
[[nodiscard]] Notification notification(CeaseReason reason, std::vector<std::uint8_t> data = {});
[[nodiscard]] Notification notification(RefreshError error, std::vector<std::uint8_t> data);
[[nodiscard]] Notification hold_timer_expired();
/// Administrative shutdown or reset with a text for the peer's operator. RFC 9003: UTF-8, at most
/// 255 bytes; a longer one is cut between characters.
[[nodiscard]] Notification with_text(CeaseReason reason, std::string_view text);
/// The peer's text; none where the code carries none, where it is empty, or where its length or its
/// UTF-8 is broken (RFC 9003 section 2: then it is ignored, the shutdown stands).
[[nodiscard]] std::optional<std::string> shutdown_text(const Notification& notification);

/// "Cease / Administrative Shutdown: maintenance"; numbers where a code has no name. Line breaks
/// and control characters of the peer's text are replaced.
[[nodiscard]] std::string to_string(const Notification& notification);

/// The whole message, with its header.
[[nodiscard]] std::vector<std::uint8_t> encode(const Notification& notification);
/// Of a message's body. One without a subcode (framing does not let it through) reads as subcode 0.
[[nodiscard]] Notification decode_notification(std::span<const std::uint8_t> body);

}  // namespace sextant::bgp
