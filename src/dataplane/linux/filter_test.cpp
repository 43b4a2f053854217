#include "dataplane/linux/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sextant::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

TEST(HostRuleset, WithoutSidsAndUplinksOnlyGatewayAndPodsAreNamed) {
  const std::string text = host_ruleset({});
  EXPECT_THAT(text, HasSubstr("iifname \"sextant1\" dup to ip6 daddr drop"));
  EXPECT_THAT(text, HasSubstr("iifname \"sxp*\" ip6 daddr @gateway_sids drop"));
  EXPECT_THAT(text, Not(HasSubstr("elements"))) << "an empty list is no nft syntax";
  EXPECT_THAT(text, Not(HasSubstr("table netdev"))) << "nothing to attach to";
}

TEST(HostRuleset, SidsStandInTheSetsOfBothTables) {
  const std::string text = host_ruleset({.gateway_sids = {prefix("fcdd:0:0:a::/64")},
                                         .host_sids = {prefix("fcdd:0:0:a:5::/128")},
                                         .uplinks = {{.index = 7, .name = "eth0"}}});
  for (const std::string elements :
       {"elements = { fcdd:0:0:a::/64 }", "elements = { fcdd:0:0:a:5:: }"}) {
    const auto first = text.find(elements);
    ASSERT_NE(first, std::string::npos) << elements << " in\n" << text;
    EXPECT_NE(text.find(elements, first + 1), std::string::npos) << elements << " in\n" << text;
  }
}

TEST(HostRuleset, PodsAreStoppedBeforeAnySidIsLookedAt) {
  const std::string text = host_ruleset({.gateway_sids = {prefix("fcdd::/64")}});
  const auto pods = text.find("iifname \"sxp*\""), sids = text.find("ip6 daddr @host_sids accept");
  ASSERT_NE(pods, std::string::npos);
  ASSERT_NE(sids, std::string::npos);
  EXPECT_LT(pods, sids);
}

TEST(HostRuleset, EachUplinkHasAChainNamedByItsIndex) {
  const std::string text = host_ruleset(
      {.uplinks = {{.index = 3, .name = "eth0.100"}, {.index = 12, .name = "wan@home"}}});
  EXPECT_THAT(text, HasSubstr("chain uplink3 {\ntype filter hook ingress device \"eth0.100\" "));
  EXPECT_THAT(text, HasSubstr("chain uplink12 {\ntype filter hook ingress device \"wan@home\" "));
}

TEST(HostRuleset, ADeviceThatNftCannotNameIsLeftOut) {
  const Uplink odd{.index = 3, .name = "a\"b"};
  EXPECT_EQ(host_ruleset({.uplinks = {odd}}), host_ruleset({}));
  const Uplink fine{.index = 4, .name = "eth0"};
  EXPECT_EQ(host_ruleset({.uplinks = {odd, fine}}), host_ruleset({.uplinks = {fine}}));
}

TEST(GatewayRuleset, IsEmptyWithoutDualStackSids) { EXPECT_EQ(gateway_ruleset({}), ""); }

TEST(GatewayRuleset, MarksIpv4InsideOfDualStackSids) {
  const std::string text = gateway_ruleset({srv6::Sid::parse("fcdd::14").value()});
  EXPECT_THAT(text, HasSubstr("elements = { fcdd::14 }"));
  EXPECT_THAT(text, HasSubstr("ip6 daddr @dual_stack_sids meta l4proto ipencap meta mark set"));
}

}  // namespace
}  // namespace sextant::dataplane
