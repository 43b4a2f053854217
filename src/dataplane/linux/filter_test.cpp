#include "dataplane/linux/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sextant::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

using ::testing::Contains;
using ::testing::Key;
using ::testing::Pair;

TEST(HostRuleset, WithoutSidsAndUplinksPodsAreStillHeldToTheirAddresses) {
  const auto ruleset = host_ruleset({});
  EXPECT_THAT(ruleset.text, HasSubstr("iifname \"sextant1\" dup to ip6 daddr drop"));
  EXPECT_THAT(ruleset.text, HasSubstr("fib saddr . iif oif missing counter name \"pod_spoofed\""));
  EXPECT_THAT(ruleset.text, HasSubstr("table ip sextant"));
  EXPECT_THAT(ruleset.text, Not(HasSubstr("table netdev"))) << "nothing to attach to";
}

TEST(HostRuleset, RulesAreTheSameWhateverTheNumberOfNodes) {
  FilterInput few{.uplinks = {{.index = 7, .name = "eth0"}}};
  auto many = few;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    many.nodes.insert(IpPrefix::host(*prefix("fd10::/64").at(i)));
    many.sid_domain.insert(IpPrefix::host(*prefix("fcdd::/64").at(2 * i)));
  }
  EXPECT_EQ(host_ruleset(few).text, host_ruleset(many).text);
  EXPECT_EQ(host_ruleset(many).sets.at("ip6 sextant sid_domain").size(), 1000U);
}

TEST(HostRuleset, OwnSidsAndNodesStandInTheSetsOfBothTables) {
  const FilterInput input{.gateway_sids = {prefix("fcdd:0:0:a::/64")},
                          .host_sids = {prefix("fcdd:0:0:a:5::/128")},
                          .nodes = {prefix("fd10::a/128")},
                          .uplinks = {{.index = 7, .name = "eth0"}}};
  const auto sets = host_ruleset(input).sets;
  for (const std::string table : {"ip6 sextant ", "netdev sextant "}) {
    EXPECT_THAT(sets, Contains(Pair(table + "gateway_sids", input.gateway_sids)));
    EXPECT_THAT(sets, Contains(Pair(table + "host_sids", input.host_sids)));
    EXPECT_THAT(sets, Contains(Pair(table + "nodes", input.nodes)));
  }
  EXPECT_THAT(sets, Not(Contains(Key("netdev sextant sid_domain")))) << "nothing asks for it there";
}

TEST(HostRuleset, PodsAreToldApartBeforeAnySidIsLookedAt) {
  const auto text = host_ruleset({}).text;
  const auto start = text.find("hook prerouting", text.find("table ip6"));
  const auto pods = text.find("iifname \"sxp*\" goto pod", start);
  const auto sids = text.find("ip6 daddr @gateway_sids goto to_own_sid", start);
  ASSERT_NE(pods, std::string::npos);
  ASSERT_NE(sids, std::string::npos);
  EXPECT_LT(pods, sids);
}

TEST(HostRuleset, EachUplinkHasAChainNamedByItsIndex) {
  const auto text = host_ruleset({.uplinks = {{.index = 3, .name = "eth0.100"},
                                              {.index = 12, .name = "wan@home"}}})
                        .text;
  EXPECT_THAT(text, HasSubstr("chain uplink3 {\ntype filter hook ingress device \"eth0.100\" "));
  EXPECT_THAT(text, HasSubstr("chain uplink12 {\ntype filter hook ingress device \"wan@home\" "));
  EXPECT_THAT(text, HasSubstr("iifname \"eth0.100\" goto from_underlay"));
}

TEST(HostRuleset, AnUplinkWithoutFramesIsServedInPrerouting) {
  const auto text =
      host_ruleset({.uplinks = {{.index = 3, .name = "wg0", .ethernet = false}}}).text;
  EXPECT_THAT(text, HasSubstr("iifname \"wg0\" goto from_underlay"));
  EXPECT_THAT(text, Not(HasSubstr("table netdev")));
}

TEST(HostRuleset, ADeviceThatNftCannotNameIsLeftOut) {
  const Uplink odd{.index = 3, .name = "a\"b"};
  EXPECT_EQ(host_ruleset({.uplinks = {odd}}).text, host_ruleset({}).text);
  const Uplink fine{.index = 4, .name = "eth0"};
  EXPECT_EQ(host_ruleset({.uplinks = {odd, fine}}).text, host_ruleset({.uplinks = {fine}}).text);
}

TEST(GatewayRuleset, IsEmptyWithoutDualStackSids) {
  EXPECT_EQ(gateway_ruleset({}).text, "");
  EXPECT_TRUE(gateway_ruleset({}).sets.empty());
}

TEST(GatewayRuleset, MarksIpv4InsideOfDualStackSids) {
  const auto ruleset = gateway_ruleset({srv6::Sid::parse("fcdd::14").value()});
  EXPECT_THAT(ruleset.sets,
              Contains(Pair("netdev sextant dual_stack_sids", PrefixSet{prefix("fcdd::14/128")})));
  EXPECT_THAT(ruleset.text, HasSubstr("ip6 daddr @dual_stack_sids meta l4proto 4 meta mark set"));
}

}  // namespace
}  // namespace sextant::dataplane
