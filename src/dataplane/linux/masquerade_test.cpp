#include "dataplane/linux/masquerade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "dataplane/linux/filter.h"

namespace sextant::dataplane {
namespace {

using overlay::RouteScope;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

TEST(Masquerade, SetsHoldWhatBelongsToTheClusterByFamily) {
  Masquerade masquerade;
  masquerade.set_own_pods({prefix("172.16.0.0/26"), prefix("172.16.0.64/26"),
                           prefix("172.16.0.5/32"), prefix("fd20::/122")});
  masquerade.set_foreign_pods({prefix("172.16.9.0/26")});
  masquerade.set_routes({{{RouteScope::kPods, prefix("fd12::b/128")}, overlay::Unreachable{}},
                         {{RouteScope::kPods, prefix("192.168.1.2/32")}, overlay::Drop{}},
                         {{RouteScope::kAll, prefix("172.16.1.0/26")}, overlay::Unreachable{}}});
  const auto sets = host_ruleset({}, &masquerade).sets;
  EXPECT_EQ(sets.at("ip sextant own_pods"), PrefixSet{prefix("172.16.0.0/25")});
  EXPECT_EQ(sets.at("ip6 sextant own_pods"), PrefixSet{prefix("fd20::/122")});
  EXPECT_EQ(sets.at("ip sextant foreign_pods"), PrefixSet{prefix("172.16.9.0/26")});
  EXPECT_EQ(sets.at("ip sextant node_addresses"), PrefixSet{prefix("192.168.1.2/32")});
  EXPECT_EQ(sets.at("ip6 sextant node_addresses"), PrefixSet{prefix("fd12::b/128")});
}

TEST(Masquerade, ChangesAreWhatHappenedSinceTheLastCall) {
  Masquerade masquerade;
  masquerade.set_own_pods({prefix("172.16.0.0/26"), prefix("fd20::/122")});
  EXPECT_EQ(masquerade.take_changes().size(), 2U);
  masquerade.set_own_pods({prefix("172.16.0.0/26"), prefix("fd20::/122")});
  EXPECT_THAT(masquerade.take_changes(), IsEmpty()) << "the same again is no change";
  const overlay::RouteKey node{RouteScope::kPods, prefix("fd12::b/128")};
  masquerade.change_routes({{node, overlay::Unreachable{}}});
  const auto came = masquerade.take_changes();
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came.at("ip6 sextant node_addresses").added, PrefixSet{node.prefix});
  masquerade.change_routes({{node, std::nullopt}});
  masquerade.change_routes({{node, overlay::Drop{}}});
  EXPECT_THAT(masquerade.take_changes(), IsEmpty()) << "gone and back";
  masquerade.set_routes({});
  EXPECT_EQ(masquerade.take_changes().at("ip6 sextant node_addresses").removed,
            PrefixSet{node.prefix});
}

TEST(Masquerade, WhatIsNoAddressOfOneHostStaysOutOfTheHash) {
  Masquerade masquerade;
  masquerade.change_routes({{{RouteScope::kPods, prefix("fd12::/64")}, overlay::Unreachable{}}});
  EXPECT_THAT(masquerade.take_changes(), IsEmpty());
}

TEST(Masquerade, UsesNoMarksAndLeavesTheOverlayAlone) {
  const Masquerade masquerade;
  const auto text = host_ruleset({}, &masquerade).text;
  for (const std::string family : {"ip", "ip6"}) {
    const auto chain = text.find("chain nat_outgoing", text.find("table " + family + " sextant"));
    ASSERT_NE(chain, std::string::npos) << family;
    const auto body = text.substr(chain, text.find('}', chain) - chain);
    EXPECT_THAT(body, Not(HasSubstr("mark")));
    EXPECT_LT(body.find("oifname \"sextant0\" accept"), body.find("masquerade"));
  }
  EXPECT_THAT(host_ruleset({}).text, Not(HasSubstr("masquerade"))) << "only where it is asked for";
}

}  // namespace
}  // namespace sextant::dataplane
