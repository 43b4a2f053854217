// OPEN messages. RFC 4271 section 4.2, RFC 5492, RFC 6793, RFC 9072 (long parameters).
#pragma once

#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/capability.h"
#include "bgp/wire/notification.h"

namespace sextant::bgp {

/// RFC 6793 section 9: stands where an AS number does not fit two bytes.
inline constexpr std::uint32_t kAsTrans = 23456;

struct Open {
  std::uint32_t asn = 0;        // 4 bytes; of an old speaker the two it has
  std::uint16_t hold_time = 0;  // seconds; 0: no keepalives
  Ipv4Address identifier;
  Capabilities capabilities;
  friend bool operator==(const Open&, const Open&) = default;
};

/// Of a message's body. The error is the NOTIFICATION to send (RFC 4271 section 6.2): version, AS 0
/// (RFC 7607), identifier 0, hold time 1 or 2, a parameter other than capabilities, broken lengths.
/// Whether AS and identifier are the expected ones is the session's question. `asn` is taken from
/// the four-octet capability where there is one.
[[nodiscard]] tl::expected<Open, Notification> decode_open(std::span<const std::uint8_t> body);

/// The whole message, with its header. `capabilities.four_octet_as` decides whether the capability
/// is sent; the AS field holds kAsTrans where `asn` needs four bytes. Precondition: the
/// capabilities fit a message of kMaxMessage.
[[nodiscard]] std::vector<std::uint8_t> encode(const Open& open);

}  // namespace sextant::bgp
