#include "bgp/wire/open.h"

#include <cassert>

#include "base/bytes.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {
namespace {

constexpr std::uint8_t kVersion = 4;
constexpr std::uint8_t kCapabilitiesParameter = 2;  // RFC 5492 section 4
constexpr std::uint8_t kExtendedLength = 255;       // RFC 9072 section 2

// Parameters with lengths of one byte, or of two (RFC 9072).
tl::expected<void, Notification> read_parameters(ByteReader& in, bool extended,
                                                 Capabilities& capabilities) {
  while (in.remaining() > 0) {
    const auto type = in.u8();
    const auto value = in.take(extended ? in.u16() : in.u8());
    if (!in.ok()) break;
    if (type != kCapabilitiesParameter) {
      return tl::unexpected(notification(OpenError::kUnsupportedParameter));
    }
    if (!decode_capabilities(value, capabilities)) {
      return tl::unexpected(notification(OpenError::kUnspecific));
    }
  }
  if (!in.ok()) return tl::unexpected(notification(OpenError::kUnspecific));
  return {};
}

}  // namespace

tl::expected<Open, Notification> decode_open(std::span<const std::uint8_t> body) {
  // RFC 4271 section 4.2
  ByteReader reader(body);
  const auto version = reader.u8();
  if (reader.ok() && version != kVersion) {
    // Section 6.2: the largest version supported, in two bytes.
    return tl::unexpected(notification(OpenError::kUnsupportedVersion, {0, kVersion}));
  }
  Open open;
  open.asn = reader.u16();
  open.hold_time = reader.u16();
  open.identifier = reader.ipv4();
  std::size_t length = reader.u8();
  // RFC 9072 section 2: type 255 in the first parameter; its one-byte length is not looked at.
  bool extended = false;
  if (length != 0) {
    ByteReader peek = reader;
    if (peek.u8() == kExtendedLength && peek.ok()) {
      extended = true;
      length = peek.u16();
      reader = peek;
    }
  }
  auto parameters = reader.sub(length);
  if (!reader.ok() || reader.remaining() > 0) {
    return tl::unexpected(notification(OpenError::kUnspecific));
  }
  if (auto read = read_parameters(parameters, extended, open.capabilities); !read) {
    return tl::unexpected(read.error());
  }
  open.asn = open.capabilities.four_octet_as.value_or(open.asn);
  if (open.asn == 0) return tl::unexpected(notification(OpenError::kBadPeerAs));  // RFC 7607
  if (open.hold_time == 1 || open.hold_time == 2) {
    return tl::unexpected(notification(OpenError::kUnacceptableHoldTime));
  }
  if (open.identifier == Ipv4Address{}) {  // RFC 6286 section 2.2
    return tl::unexpected(notification(OpenError::kBadIdentifier));
  }
  return open;
}

std::vector<std::uint8_t> encode(const Open& open) {
  ByteWriter body;
  body.u8(kVersion);
  body.u16(static_cast<std::uint16_t>(open.asn > 0xffff ? kAsTrans : open.asn));
  body.u16(open.hold_time);
  body.put(open.identifier);
  ByteWriter capabilities;
  encode_capabilities(open.capabilities, capabilities);
  const std::size_t size = capabilities.size();
  assert(size + kHeaderSize + 16 <= kMaxMessage);
  if (size == 0) {
    body.u8(0);
  } else if (size + 2 < kExtendedLength) {
    body.u8(static_cast<std::uint8_t>(size + 2));
    body.u8(kCapabilitiesParameter);
    body.u8(static_cast<std::uint8_t>(size));
  } else {  // RFC 9072 section 2
    body.u8(kExtendedLength);
    body.u8(kExtendedLength);
    body.u16(static_cast<std::uint16_t>(size + 3));
    body.u8(kCapabilitiesParameter);
    body.u16(static_cast<std::uint16_t>(size));
  }
  body.put(capabilities.bytes());
  return encode_message(MessageType::kOpen, body.bytes());
}

}  // namespace sextant::bgp
