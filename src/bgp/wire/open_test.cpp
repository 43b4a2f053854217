#include "bgp/wire/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/hex_test.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {
namespace {

using testing::ElementsAre;

// RFC 4271 section 4.2: version 4, AS 64512, hold time 90 s, identifier 10.0.0.1
const std::string kFixed = "04 fc00 005a 0a000001";

Notification error_of(const std::string& body) {
  const auto open = decode_open(hex(body));
  return open ? Notification{} : open.error();
}

Open everything() {
  Open open;
  open.asn = 4200000001;
  open.hold_time = 9;
  open.identifier = Ipv4Address({10, 255, 0, 1});
  auto& capabilities = open.capabilities;
  capabilities.families = {kIpv6Unicast, kSrPolicyIpv6};
  capabilities.route_refresh = true;
  capabilities.extended_next_hops = {{kIpv4Unicast, Afi::kIpv6}};
  capabilities.extended_message = true;
  capabilities.graceful_restart =
      GracefulRestart{true, true, 120, {{kIpv6Unicast, true}, {kSrPolicyIpv6, false}}};
  capabilities.four_octet_as = 4200000001;
  capabilities.enhanced_route_refresh = true;
  return open;
}

TEST(Open, WritesEveryCapabilityAsItsRfcSays) {
  const auto bytes = encode(everything());
  const auto capabilities =
      hex("01 04 0002 00 01"                  // RFC 4760 section 8: IPv6 unicast
          "01 04 0002 00 49"                  // SR Policy for IPv6
          "02 00"                             // RFC 2918
          "05 06 0001 0001 0002"              // RFC 8950 section 4: IPv4 unicast through IPv6
          "06 00"                             // RFC 8654
          "40 0a c078 0002 01 80 0002 49 00"  // RFC 4724 section 3: R, N, 120 s; F of the first
          "41 04 fa56ea01"                    // RFC 6793
          "46 00");                           // RFC 7313
  const std::string body = "04 5ba0 0009 0aff0001" + hex_number(capabilities.size() + 2, 1) + "02" +
                           hex_number(capabilities.size(), 1) + to_hex(capabilities);
  EXPECT_EQ(to_hex(std::span(bytes).subspan(kHeaderSize)), to_hex(hex(body)));
}

TEST(Open, GoesOutAndComesBack) {
  const auto bytes = encode(everything());
  const auto message = next_message(bytes);
  ASSERT_TRUE(message && *message);
  const auto decoded = decode_open((*message)->body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, everything());
}

// What Debian's gobgpd 3.10 sends with three families, graceful restart of 120 s and AS 64512.
TEST(Open, OfGobgpIsRead) {
  const auto decoded =
      decode_open(hex("04 fc00 005a 0a000009 34 02 32"
                      "02 00"            // route refresh
                      "49 04 02766d 00"  // FQDN: host name "vm", no domain
                      "01 04 0002 00 49 01 04 0002 00 01 01 04 0001 00 01"
                      "41 04 0000fc00"
                      "40 02 0078"  // graceful restart: 120 s, no family kept
                      "05 0c 0002 0049 0002 0001 0001 0002"));  // RFC 8950
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->asn, 64512U);
  EXPECT_EQ(decoded->hold_time, 90);
  const auto& capabilities = decoded->capabilities;
  EXPECT_THAT(capabilities.families, ElementsAre(kSrPolicyIpv6, kIpv6Unicast, kIpv4Unicast));
  EXPECT_TRUE(capabilities.route_refresh);
  EXPECT_FALSE(capabilities.enhanced_route_refresh);
  EXPECT_EQ(capabilities.graceful_restart, (GracefulRestart{false, false, 120, {}}));
  EXPECT_THAT(capabilities.extended_next_hops,
              ElementsAre(ExtendedNextHop{kSrPolicyIpv6, Afi::kIpv6},
                          ExtendedNextHop{kIpv4Unicast, Afi::kIpv6}));
  EXPECT_THAT(capabilities.unknown, ElementsAre(UnknownCapability{73, hex("02766d 00")}));
}

TEST(Open, OfASpeakerWithoutCapabilitiesIsRead) {
  const auto decoded = decode_open(hex(kFixed + "00"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->asn, 64512U);
  EXPECT_EQ(decoded->capabilities, Capabilities{});
}

// RFC 5492 section 4: one parameter for all, or one for each
TEST(Open, CapabilitiesMayComeInSeveralParameters) {
  const auto decoded =
      decode_open(hex(kFixed + "10 02 06 01 04 0002 00 01 02 06 01 04 0001 00 01"));
  ASSERT_TRUE(decoded);
  EXPECT_THAT(decoded->capabilities.families, ElementsAre(kIpv6Unicast, kIpv4Unicast));
}

// RFC 9072 section 2
TEST(Open, ManyCapabilitiesTakeTheExtendedForm) {
  auto open = everything();
  open.capabilities.unknown = {{200, std::vector<std::uint8_t>(230, 7)}};
  const auto bytes = encode(open);
  EXPECT_EQ(to_hex(std::span(bytes).subspan(kHeaderSize + 9, 2)), "ffff");
  const auto decoded = decode_open(std::span(bytes).subspan(kHeaderSize));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, open);
  // The one-byte length says nothing then, unless it is 0.
  const auto odd = decode_open(hex(kFixed + "04 ff 0005 02 0002 02 00"));
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->capabilities.route_refresh);
}

TEST(Open, IsRefusedWithTheErrorOfItsRfc) {
  const auto unspecific = notification(OpenError::kUnspecific);
  struct Row {
    const char* name;
    std::string body;
    Notification expected;
  };
  const Row rows[] = {
      {"version 3 (RFC 4271 section 6.2)", "03 fc00 005a 0a000001 00",
       notification(OpenError::kUnsupportedVersion, hex("0004"))},
      {"AS 0 (RFC 7607)", "04 0000 005a 0a000001 00", notification(OpenError::kBadPeerAs)},
      {"four-octet AS 0 (RFC 7607)", kFixed + "08 02 06 41 04 00000000",
       notification(OpenError::kBadPeerAs)},
      {"hold time 1 (RFC 4271 section 6.2)", "04 fc00 0001 0a000001 00",
       notification(OpenError::kUnacceptableHoldTime)},
      {"hold time 2", "04 fc00 0002 0a000001 00", notification(OpenError::kUnacceptableHoldTime)},
      {"identifier 0 (RFC 6286)", "04 fc00 005a 00000000 00",
       notification(OpenError::kBadIdentifier)},
      {"authentication parameter (RFC 4271 section 6.2)", kFixed + "03 01 01 00",
       notification(OpenError::kUnsupportedParameter)},
      {"parameters longer than the message", kFixed + "05 02 00", unspecific},
      {"bytes behind the parameters", kFixed + "00 00", unspecific},
      {"a parameter that overruns", kFixed + "03 02 05 02", unspecific},
      {"half a parameter", kFixed + "01 02", unspecific},
      {"a capability that overruns its parameter", kFixed + "04 02 02 41 04", unspecific},
      {"a family of 3 bytes", kFixed + "07 02 05 01 03 0002 00", unspecific},
      {"a four-octet AS of 5 bytes", kFixed + "09 02 07 41 05 0000fc00 00", unspecific},
      {"graceful restart with half a family", kFixed + "08 02 06 40 04 0078 0002", unspecific},
      {"extended messages with a value (RFC 8654)", kFixed + "05 02 03 06 01 00", unspecific},
      {"extended form cut short (RFC 9072)", kFixed + "ff ff 00", unspecific},
      {"extended form that overruns", kFixed + "ff ff 0009 02 0002 0200", unspecific},
      {"cut short", "04 fc00 005a 0a00", unspecific},
      {"empty", "", unspecific},
  };
  for (const auto& row : rows) EXPECT_EQ(error_of(row.body), row.expected) << row.name;
}

TEST(Family, HasANameThatReadsBack) {
  for (const auto family : kFamilies) EXPECT_EQ(family_of(to_string(family)), family);
  EXPECT_EQ(to_string(kSrPolicyIpv6), "ipv6-srpolicy");
  EXPECT_EQ(to_string(Family{static_cast<Afi>(25), static_cast<Safi>(70)}), "afi 25 safi 70");
  EXPECT_EQ(family_of("ipv6"), std::nullopt);
}

}  // namespace
}  // namespace sextant::bgp
