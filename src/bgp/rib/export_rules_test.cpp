#include "bgp/rib/export_rules.h"

#include <gtest/gtest.h>

#include "bgp/rib/test_support.h"

namespace sextant::bgp {
namespace {

TEST(ExportRules, KeepRoutesWithIpv6NextHopsFromPeersThatTakeNone) {  // RFC 8950 section 4
  Rib rib{test_config()};
  const auto may_have = [&](Family family, const RouteKey& key, bool extended) {
    const auto path = rib.table(family).best(rib.table(family).find(key).value()).value();
    return may_export(rib,
                      {.family = family,
                       .self = {.address = address_of("fd00::100")},
                       .extended_next_hop = extended},
                      path);
  };
  const auto by_ipv6 = key_of("10.0.0.0/24");
  const auto by_ipv4 = key_of("10.0.1.0/24");
  rib.announce(kIpv4Unicast, by_ipv6, attributes_of(), {.address = address_of("fd00::1")});
  rib.announce(kIpv4Unicast, by_ipv4, attributes_of(), {.address = address_of("10.0.0.1")});
  EXPECT_FALSE(may_have(kIpv4Unicast, by_ipv6, false));
  EXPECT_TRUE(may_have(kIpv4Unicast, by_ipv6, true));
  EXPECT_TRUE(may_have(kIpv4Unicast, by_ipv4, false));
  const SrPolicyNlri policy{.color = {94}, .endpoint = address_of("10.0.0.9")};
  rib.announce(kSrPolicyIpv4, key_of(policy), attributes_of(), {.address = address_of("fd00::1")});
  EXPECT_TRUE(may_have(kSrPolicyIpv4, key_of(policy), false)) << "RFC 9830 section 2.1";
}

// RFC 1997 speaks of received routes; RFC 9830 section 4.2.1 has the originator set NO_ADVERTISE.
TEST(ExportRules, LetOwnRoutesGoWithWordsForTheReceiver) {
  Rib rib{test_config()};
  auto attributes = attributes_of();
  attributes.communities = {kNoAdvertise, kNoExport};
  const auto key = key_of("fd01::/64");
  rib.announce(kIpv6Unicast, key, attributes, {.address = address_of("fd00::1")});
  const auto path = rib.table(kIpv6Unicast).best(rib.table(kIpv6Unicast).find(key).value()).value();
  for (const bool internal : {true, false}) {
    const ExportRules rules{
        .family = kIpv6Unicast, .internal = internal, .self = {.address = address_of("fd00::100")}};
    ASSERT_TRUE(may_export(rib, rules, path));
    const auto exported = export_set(rib, rules, path, attributes);
    const auto told =
        decode_attributes(exported.block, {.internal = internal}, {.family = kIpv6Unicast});
    EXPECT_TRUE(told.attributes.has(kNoAdvertise));
  }
}

}  // namespace
}  // namespace sextant::bgp
