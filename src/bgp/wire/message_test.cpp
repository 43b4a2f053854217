#include "bgp/wire/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/hex_test.h"
#include "bgp/wire/notification.h"
#include "bgp/wire/route_refresh.h"

namespace sextant::bgp {
namespace {

using testing::IsEmpty;

const std::string kMarker = repeat("ff", 16);
const std::string kKeepalive = kMarker + "0013 04";

Notification error_of(const std::string& text, std::size_t limit = kMaxMessage) {
  const auto bytes = hex(text);
  const auto message = next_message(bytes, limit);
  return message ? Notification{} : message.error();
}

TEST(Message, IsFoundAtTheStartOfAStreamWithItsBodyInPlace) {
  const auto bytes = hex(kMarker + "0017 02 0000 0000" + kKeepalive);
  const auto first = next_message(bytes);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->type, MessageType::kUpdate);
  EXPECT_EQ((*first)->size, 23U);
  EXPECT_EQ((*first)->body.data(), bytes.data() + 19);
  EXPECT_EQ((*first)->body.size(), 4U);
  const auto second = next_message(std::span(bytes).subspan((*first)->size));
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->type, MessageType::kKeepalive);
  EXPECT_THAT((*second)->body, IsEmpty());
}

TEST(Message, IsAwaitedByteByByte) {
  const auto bytes = hex(kMarker + "0017 02 0000 0000");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto message = next_message(std::span(bytes).first(size));
    ASSERT_TRUE(message) << size;
    EXPECT_FALSE(*message) << size;
  }
}

// RFC 4271 section 6.1
TEST(Message, HeaderErrorsSayWhatToSendBeforeTheBodyIsThere) {
  EXPECT_EQ(error_of(repeat("ff", 15) + "fe 0013 04"), notification(HeaderError::kNotSynchronized));
  EXPECT_EQ(error_of(kMarker + "0012 04"), notification(HeaderError::kBadLength, hex("0012")));
  EXPECT_EQ(error_of(kMarker + "1001 02"), notification(HeaderError::kBadLength, hex("1001")));
  EXPECT_EQ(error_of(kMarker + "0013 00"), notification(HeaderError::kBadType, hex("00")));
  EXPECT_EQ(error_of(kMarker + "0013 06"), notification(HeaderError::kBadType, hex("06")));
  EXPECT_EQ(error_of(kMarker + "001c 01"), notification(HeaderError::kBadLength, hex("001c")));
  EXPECT_EQ(error_of(kMarker + "0016 02"), notification(HeaderError::kBadLength, hex("0016")));
  EXPECT_EQ(error_of(kMarker + "0014 03"), notification(HeaderError::kBadLength, hex("0014")));
  EXPECT_EQ(error_of(kMarker + "0014 04"), notification(HeaderError::kBadLength, hex("0014")));
}

// RFC 8654 section 4
TEST(Message, ExtendedLengthIsForMessagesAfterTheOpen) {
  const auto update = encode_message(MessageType::kUpdate, std::vector<std::uint8_t>(65516));
  const auto message = next_message(update, kMaxExtendedMessage);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->size, 65535U);
  EXPECT_FALSE(next_message(update, kMaxMessage));
  EXPECT_EQ(error_of(kMarker + "1001 01", kMaxExtendedMessage),
            notification(HeaderError::kBadLength, hex("1001")));
}

TEST(Message, KeepaliveIsABareHeader) {
  EXPECT_EQ(to_hex(encode_keepalive()), to_hex(hex(kKeepalive)));
}

TEST(Notification, GoesOutAndComesBack) {
  const auto sent = notification(UpdateError::kMissingWellKnown, hex("03"));
  const auto bytes = encode(sent);
  EXPECT_EQ(to_hex(bytes), to_hex(hex(kMarker + "0016 03 03 03 03")));
  const auto message = next_message(bytes);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ(decode_notification((*message)->body), sent);
}

TEST(Notification, NamesCodesForTheOperator) {
  EXPECT_EQ(to_string(hold_timer_expired()), "Hold Timer Expired");
  EXPECT_EQ(to_string(notification(CeaseReason::kMaximumPrefixes)),
            "Cease / Maximum Number of Prefixes Reached");
  EXPECT_EQ(to_string(Notification{static_cast<ErrorCode>(99), 7, {}}), "code 99 / subcode 7");
  EXPECT_EQ(to_string(Notification{ErrorCode::kOpen, 5, {}}), "OPEN Message Error / subcode 5");
}

// RFC 8654 section 4: the peer may not take more. What it sent itself may have been longer.
TEST(Notification, NeverNeedsAnExtendedMessage) {
  const std::vector<std::uint8_t> sent(kMaxExtendedMessage, 7);
  const auto bytes = encode(notification(RefreshError::kInvalidLength, sent));
  EXPECT_EQ(bytes.size(), kMaxMessage);
  const auto message = next_message(bytes);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ(decode_notification((*message)->body).data.size(), kMaxMessage - kHeaderSize - 2);
}

// RFC 9003 section 2
TEST(Notification, CarriesTheOperatorsText) {
  const auto sent = with_text(CeaseReason::kAdministrativeShutdown, "maintenance");
  EXPECT_EQ(to_hex(sent.data), to_hex(hex("0b 6d61696e74656e616e6365")));
  EXPECT_EQ(shutdown_text(sent), "maintenance");
  EXPECT_EQ(to_string(sent), "Cease / Administrative Shutdown: maintenance");
}

TEST(Notification, TextIsCutBetweenCharacters) {
  std::string text(254, 'x');
  text += "\xc3\xa9";  // é: bytes 255 and 256
  const auto sent = with_text(CeaseReason::kAdministrativeReset, text);
  EXPECT_EQ(shutdown_text(sent), std::string(254, 'x'));
}

TEST(Notification, BrokenTextIsIgnored) {
  const auto text = [](const std::string& data) {
    return shutdown_text(notification(CeaseReason::kAdministrativeShutdown, hex(data)));
  };
  EXPECT_EQ(text(""), std::nullopt);
  EXPECT_EQ(text("00"), std::nullopt);
  EXPECT_EQ(text("05 6162"), std::nullopt);  // longer than what follows
  EXPECT_EQ(text("02 c328"), std::nullopt);  // not UTF-8
  EXPECT_EQ(shutdown_text(notification(CeaseReason::kPeerDeconfigured, hex("02 6162"))),
            std::nullopt);
}

TEST(Notification, TextCannotForgeALogLine) {
  const auto sent = with_text(CeaseReason::kAdministrativeShutdown, "a\n\x1b[31mb");
  EXPECT_EQ(to_string(sent), "Cease / Administrative Shutdown: a  [31mb");
}

TEST(RouteRefresh, GoesOutAndComesBack) {
  for (const auto kind : {RefreshKind::kRequest, RefreshKind::kBegin, RefreshKind::kEnd}) {
    const RouteRefresh sent{kSrPolicyIpv6, kind};
    const auto bytes = encode(sent);
    EXPECT_EQ(to_hex(std::span(bytes).subspan(16)),
              "001705"
              "0002" +
                  hex_number(static_cast<std::size_t>(kind), 1) + "49");
    const auto message = next_message(bytes);
    ASSERT_TRUE(message && *message);
    EXPECT_EQ(decode_route_refresh((*message)->body), sent);
  }
}

// RFC 7313 section 5
TEST(RouteRefresh, OfAWrongLengthIsAnsweredWithItself) {
  const auto body = hex("0002 01 01 00");
  const auto decoded = decode_route_refresh(body);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error(), notification(RefreshError::kInvalidLength,
                                          encode_message(MessageType::kRouteRefresh, body)));
  EXPECT_FALSE(decode_route_refresh(hex("0002 00")));
}

// RFC 5291: outbound filters, which nobody was offered
TEST(RouteRefresh, RequestWithFiltersIsARequest) {
  const auto decoded = decode_route_refresh(hex("0001 00 01 01 40 0000"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, (RouteRefresh{kIpv4Unicast, RefreshKind::kRequest}));
}

}  // namespace
}  // namespace sextant::bgp
