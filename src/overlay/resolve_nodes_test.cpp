// Nodes in, Forwarding out: identity, local SIDs, plain paths, routes; validation of nodes against
// each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/resolver.h"
#include "overlay/test_intent.h"

namespace sextant::overlay {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ResolveNodes, GivesTheWholeForwardingOfTheTestbed) {
  const auto resolution = resolve_on_master(testbed());
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(
      lines(resolution.forwarding),
      ElementsAre("source fd10::1000", "overlay 172.16.0.1", "overlay fdfb:af47:32af::1",
                  "pods 172.16.0.0/26", "pods fdfb:af47:32af::/122", "locator fcdd:0:0:aa::/64",
                  "sid fcdd:0:0:aa:1:: End", "sid fcdd:0:0:aa:12:: End.DT6",
                  "sid fcdd:0:0:aa:13:: End.DT4", "sid fcdd:0:0:aa:14:: End.DT46",
                  "path fd11::1000 plain IPv4 [fcdd:0:0:11aa:13::]",
                  "path fd11::1000 plain IPv6 [fcdd:0:0:11aa:12::]",
                  "path fd12::1000 plain IPv4 [fcdd:0:0:12aa:13::]",
                  "path fd12::1000 plain IPv6 [fcdd:0:0:12aa:12::]",
                  "route 172.16.0.0/26 unreachable",  //
                  "route 172.16.0.64/26 fd11::1000 plain IPv4",
                  "route 172.16.0.128/26 fd12::1000 plain IPv4",
                  "route fcdd:0:0:aa::/64 unreachable",  //
                  "route fdfb:af47:32af::/122 unreachable",
                  "route fdfb:af47:32af::40/122 fd11::1000 plain IPv6",
                  "route fdfb:af47:32af::80/122 fd12::1000 plain IPv6",
                  "route pods 192.168.11.254/32 fd11::1000 plain IPv4",
                  "route pods 192.168.12.254/32 fd12::1000 plain IPv4",
                  "route pods fd11::1000/128 fd11::1000 plain IPv6",
                  "route pods fd12::1000/128 fd12::1000 plain IPv6"));
}

TEST(ResolveNodes, FixedSidsReplaceDerivedOnes) {
  auto intent = testbed();
  intent.nodes.at("master").sids.dt4 = sid("fcdd::aa:34b8:247c:36da:db44");
  intent.nodes.at("worker2").sids.dt6 = sid("fcdd::12aa:d460:b250:45:b05");
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(
      lines(resolution.forwarding, "sid "),
      ElementsAre("sid fcdd:0:0:aa:1:: End", "sid fcdd:0:0:aa:12:: End.DT6",
                  "sid fcdd:0:0:aa:14:: End.DT46", "sid fcdd::aa:34b8:247c:36da:db44 End.DT4"));
  EXPECT_THAT(lines(resolution.forwarding, "path fd12::1000"),
              ElementsAre("path fd12::1000 plain IPv4 [fcdd:0:0:12aa:13::]",
                          "path fd12::1000 plain IPv6 [fcdd::12aa:d460:b250:45:b05]"));
}

TEST(ResolveNodes, ServesBothFamiliesByAFixedDt46WhereItIsTheOnlyFixedOne) {
  auto intent = testbed();
  intent.nodes.at("worker2").sids.dt46 = sid("fcdd:0:0:12aa:46::");
  intent.nodes.at("worker2").sids.dt4 = sid("fcdd:0:0:12aa:44::");
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "path fd12::1000"),
              ElementsAre("path fd12::1000 plain IPv4 [fcdd:0:0:12aa:44::]",
                          "path fd12::1000 plain IPv6 [fcdd:0:0:12aa:46::]"));
}

TEST(ResolveNodes, OnLinkLocatorsAreRoutedByTheNodesAddress) {
  auto intent = testbed();
  for (auto& [name, node] : intent.nodes) node.reach = LocatorReach::kOnLink;
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "route locator"),
              ElementsAre("route locator fcdd:0:0:11aa::/64 via fd11::1000",
                          "route locator fcdd:0:0:12aa::/64 via fd12::1000"));
}

TEST(ResolveNodes, ARouterIsNoPartOfTheOverlayButHasItsSidsOnItself) {
  auto intent = testbed();
  intent.nodes.at("r6").addresses = {address("fcff:6::1")};
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "fcff:6"), IsEmpty());
  EXPECT_THAT(lines(resolve_on("r6", intent).forwarding, "sid "), ElementsAre("sid fcff:6::1 End"));
}

TEST(ResolveNodes, WithoutThisNodeNothingIsForwarded) {
  const auto resolution = resolve_on("worker9", testbed());
  EXPECT_THAT(lines(resolution.forwarding), IsEmpty());
  EXPECT_EQ(resolution.forwarding.domain, resolve_on_master(testbed()).forwarding.domain);
  EXPECT_THAT(
      lines(resolution.problems),
      ElementsAre("Node/worker9: this node is not described: the overlay does nothing here"));
}

TEST(ResolveNodes, WithoutAnIpv6AddressThisNodeOnlyReceives) {
  auto intent = testbed();
  intent.nodes.at("master").addresses = {address("192.168.10.254")};
  add(intent, policy("gold", "worker2", 94, {path("p", 100, {list({"r6"})})}));
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.forwarding, "path"), IsEmpty());
  EXPECT_THAT(lines(resolution.forwarding, "route"), Each(HasSubstr("unreachable")));
  EXPECT_EQ(resolution.forwarding.local_sids.size(), 4U);
  EXPECT_THAT(resolution.policies, IsEmpty());
  EXPECT_THAT(
      lines(resolution.problems),
      ElementsAre("Node/master: has no usable IPv6 address: no other node can send to its pods",
                  "Node/master: this node has no usable IPv6 address: it sends nothing into "
                  "the overlay"));
}

TEST(ResolveNodes, WithoutALocatorThisNodeOnlySends) {
  auto intent = testbed();
  intent.nodes.at("master").locator.reset();
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(resolution.forwarding.local_sids, IsEmpty());
  EXPECT_EQ(resolution.forwarding.paths.size(), 4U);
  EXPECT_THAT(
      lines(resolution.problems),
      ElementsAre("Node/master: has no locator: no other node can send to its pods",
                  "Node/master: this node has no usable locator: it receives nothing from the "
                  "overlay"));
}

TEST(ResolveNodes, TheOverlayAddressComesFromTheFirstPrefixAsWritten) {
  auto intent = testbed();
  intent.nodes.at("master").pod_prefixes = {{prefix("172.16.9.0/24"), std::nullopt},
                                            {prefix("172.16.0.0/26"), std::nullopt},
                                            {prefix("fd00:9::7/128"), std::nullopt}};
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "overlay"),
              ElementsAre("overlay 172.16.9.1", "overlay fd00:9::7"));
}

struct BadNode {
  std::string name;
  void (*spoil)(Intent&);
  std::string problem;  // exactly this one
  std::string missing;  // no line contains this
  std::string kept;     // some line contains this
};

class ResolveBadNodes : public ::testing::TestWithParam<BadNode> {};

TEST_P(ResolveBadNodes, LeavesOutThePartAndKeepsTheRest) {
  auto intent = testbed();
  GetParam().spoil(intent);
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.problems), ElementsAre(GetParam().problem));
  if (!GetParam().missing.empty()) {
    EXPECT_THAT(lines(resolution.forwarding, GetParam().missing), IsEmpty());
  }
  EXPECT_THAT(lines(resolution.forwarding), Contains(GetParam().kept));
  EXPECT_THAT(lines(resolution.forwarding, "fd11::1000 plain"), Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    , ResolveBadNodes,
    ::testing::Values(
        BadNode{"OverlappingPodPrefix",
                [](Intent& i) {
                  i.nodes.at("worker2").pod_prefixes[0].prefix = prefix("172.16.0.0/24");
                },
                "Node/worker2: pod prefix 172.16.0.0/24 is left out: it overlaps pod prefix "
                "172.16.0.0/26 of node master",
                "172.16.0.0/24", "route fdfb:af47:32af::80/122 fd12::1000 plain IPv6"},
        BadNode{"PodPrefixInALocator",
                [](Intent& i) {
                  i.nodes.at("worker2").pod_prefixes[1].prefix = prefix("fcdd:0:0:11aa:1::/80");
                },
                "Node/worker2: pod prefix fcdd:0:0:11aa:1::/80 is left out: it overlaps locator "
                "fcdd:0:0:11aa::/64 of node worker1",
                "fcdd:0:0:11aa:1::/80", "route 172.16.0.128/26 fd12::1000 plain IPv4"},
        BadNode{"PodPrefixInItsOwnLocator",
                [](Intent& i) {
                  i.nodes.at("worker2").pod_prefixes[1].prefix = prefix("fcdd:0:0:12aa:f::/80");
                },
                "Node/worker2: pod prefix fcdd:0:0:12aa:f::/80 is left out: it overlaps locator "
                "fcdd:0:0:12aa::/64 of node worker2",
                "fcdd:0:0:12aa:f::/80", "route 172.16.0.128/26 fd12::1000 plain IPv4"},
        BadNode{"SameLocator",
                [](Intent& i) { i.nodes.at("worker2").locator = i.nodes.at("worker1").locator; },
                "Node/worker2: locator fcdd:0:0:11aa::/64 is left out: it overlaps locator "
                "fcdd:0:0:11aa::/64 of node worker1",
                "fd12::1000", "path fd11::1000 plain IPv4 [fcdd:0:0:11aa:13::]"},
        BadNode{"NestedLocator",
                [](Intent& i) {
                  i.nodes.at("worker2").locator = srv6::Locator::parse("fcdd::/48").value();
                },
                "Node/worker2: locator fcdd::/48 is left out: it overlaps locator "
                "fcdd:0:0:aa::/64 of node master",
                "fd12::1000", "path fd11::1000 plain IPv4 [fcdd:0:0:11aa:13::]"},
        BadNode{"SameAddress",
                [](Intent& i) {
                  i.nodes.at("worker2").addresses.insert(i.nodes.at("worker2").addresses.begin(),
                                                         address("fd11::1000"));
                },
                "Node/worker2: address fd11::1000 is left out: node worker1 has it too", "",
                "route pods fd12::1000/128 fd12::1000 plain IPv6"},
        BadNode{"LoopbackAddress",
                [](Intent& i) {
                  i.nodes.at("worker2").addresses.insert(i.nodes.at("worker2").addresses.begin(),
                                                         address("::1"));
                },
                "Node/worker2: address ::1 is left out: it is loopback", "::1/128",
                "route pods fd12::1000/128 fd12::1000 plain IPv6"},
        BadNode{
            "DefaultRouteAsPodPrefix",
            [](Intent& i) { i.nodes.at("worker2").pod_prefixes[0].prefix = prefix("0.0.0.0/0"); },
            "Node/worker2: pod prefix 0.0.0.0/0 is left out: it is the default route", "0.0.0.0/0",
            "route fdfb:af47:32af::80/122 fd12::1000 plain IPv6"},
        BadNode{
            "MulticastPodPrefix",
            [](Intent& i) { i.nodes.at("worker2").pod_prefixes[1].prefix = prefix("ff05::/64"); },
            "Node/worker2: pod prefix ff05::/64 is left out: it is multicast",
            "ff05::", "route 172.16.0.128/26 fd12::1000 plain IPv4"},
        BadNode{
            "PodPrefixOverLinkLocal",
            [](Intent& i) { i.nodes.at("worker2").pod_prefixes[1].prefix = prefix("fe00::/8"); },
            "Node/worker2: pod prefix fe00::/8 is left out: it contains fe80::/10 (link-local)",
            "fe00::/8", "route 172.16.0.128/26 fd12::1000 plain IPv4"},
        BadNode{"PodPrefixTwice",
                [](Intent& i) {
                  i.nodes.at("worker2").pod_prefixes.push_back(
                      {prefix("172.16.0.128/26"), srv6::Color{7}});
                },
                "Node/worker2: pod prefix 172.16.0.128/26 is left out: the node has it twice", "",
                "route 172.16.0.128/26 fd12::1000 plain IPv4"},
        BadNode{
            "SidOutsideOfTheLocator",
            [](Intent& i) { i.nodes.at("worker2").sids.dt4 = sid("fcdd:0:0:13aa::13"); },
            "Node/worker2: SID fcdd:0:0:13aa::13 for End.DT4 is left out: it lies outside of the "
            "node's locator fcdd:0:0:12aa::/64; fcdd:0:0:12aa:13:: is used",
            "13aa", "path fd12::1000 plain IPv4 [fcdd:0:0:12aa:13::]"},
        BadNode{"EndOutsideOfTheLocator",
                [](Intent& i) { i.nodes.at("worker2").sids.end = sid("fcff:12::1"); },
                "Node/worker2: SID fcff:12::1 for End is left out: it lies outside of the "
                "node's locator fcdd:0:0:12aa::/64; fcdd:0:0:12aa:1:: is used",
                "fcff:12::1", "path fd12::1000 plain IPv4 [fcdd:0:0:12aa:13::]"},
        BadNode{
            "OneSidForTwoBehaviors",
            [](Intent& i) {
              i.nodes.at("worker2").sids.dt4 = sid("fcdd:0:0:12aa::5");
              i.nodes.at("worker2").sids.dt6 = sid("fcdd:0:0:12aa::5");
            },
            "Node/worker2: SID fcdd:0:0:12aa::5 for End.DT6 is left out: it is the node's SID for "
            "another behavior; fcdd:0:0:12aa:12:: is used",
            "IPv6 [fcdd:0:0:12aa::5]", "path fd12::1000 plain IPv4 [fcdd:0:0:12aa::5]"},
        BadNode{"RouterWithServiceSidAndNoLocator",
                [](Intent& i) { i.nodes.at("r6").sids.dt6 = sid("fcff:6::6"); },
                "Node/r6: SID fcff:6::6 for End.DT6 is left out: the node has no locator",
                "fcff:6::6", "path fd12::1000 plain IPv4 [fcdd:0:0:12aa:13::]"}),
    [](const auto& row) { return row.param.name; });

TEST(ResolveNodes, APrefixGoesToTheNextClaimantWhenItsOwnerGoes) {
  auto intent = testbed();
  intent.nodes.at("worker2").pod_prefixes = intent.nodes.at("worker1").pod_prefixes;
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "route 172.16.0.64/26"),
              ElementsAre("route 172.16.0.64/26 fd11::1000 plain IPv4"));
  intent.nodes.erase("worker1");
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.forwarding, "route 172.16.0.64/26"),
              ElementsAre("route 172.16.0.64/26 fd12::1000 plain IPv4"));
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
}

TEST(ResolveNodes, ARefusedPrefixStandsInNobodysWay) {
  auto intent = testbed();
  // b's wide prefix loses to a's, and must not cost c its own.
  add(intent, node("a", {"fd00::a"}, "fcaa:0:0:a::/64", {"10.0.0.0/24"}));
  add(intent, node("b", {"fd00::b"}, "fcaa:0:0:b::/64", {"10.0.0.0/16"}));
  add(intent, node("c", {"fd00::c"}, "fcaa:0:0:c::/64", {"10.0.1.0/24"}));
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(
      lines(resolution.forwarding, "route 10."),
      ElementsAre("route 10.0.0.0/24 fd00::a plain IPv4", "route 10.0.1.0/24 fd00::c plain IPv4"));
  EXPECT_EQ(resolution.problems.size(), 1U);
}

TEST(ResolveNodes, ANodeMayNestItsOwnPodPrefixes) {
  auto intent = testbed();
  intent.nodes.at("worker2").pod_prefixes.push_back({prefix("172.16.0.192/28"), std::nullopt});
  intent.nodes.at("worker2").pod_prefixes.push_back({prefix("172.16.0.128/28"), std::nullopt});
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(lines(resolution.forwarding, "route 172.16.0.128/28"), Not(IsEmpty()));
}

TEST(ResolveNodes, AnAddressLentByAnotherNodesBlockIsTheBorrowers) {
  auto intent = testbed();
  intent.nodes.at("worker2").pod_prefixes.insert(intent.nodes.at("worker2").pod_prefixes.begin(),
                                                 {prefix("172.16.0.70/32"), std::nullopt});
  for (const auto* lender_or_other : {"master", "worker1"}) {
    const auto resolution = resolve(intent, {.node = lender_or_other});
    EXPECT_THAT(lines(resolution.problems), IsEmpty());
    EXPECT_THAT(lines(resolution.forwarding),
                Contains("route 172.16.0.70/32 fd12::1000 plain IPv4"));
  }
  const auto borrower = resolve(intent, {.node = "worker2"}).forwarding;
  EXPECT_THAT(lines(borrower), Contains("route 172.16.0.70/32 unreachable"));
  EXPECT_THAT(lines(borrower), Contains("route 172.16.0.64/26 fd11::1000 plain IPv4"));
}

TEST(ResolveNodes, TwoBorrowersOfOneAddressAreAConflict) {
  auto intent = testbed();
  for (const auto* name : {"worker2", "master"}) {
    intent.nodes.at(name).pod_prefixes.push_back({prefix("172.16.0.70/32"), std::nullopt});
  }
  const auto resolution = resolve(intent, {.node = "worker1"});
  EXPECT_THAT(lines(resolution.problems),
              ElementsAre(StartsWith("Node/worker2: pod prefix 172.16.0.70/32 is left out")));
}

TEST(ResolveNodes, ANodeWhosePodsHaveAllAddressesTakesNone) {
  auto intent = testbed();
  intent.nodes.at("worker2").pods_have_all_addresses = true;
  const auto own = resolve(intent, {.node = "worker2"}).forwarding;
  EXPECT_FALSE(own.overlay_ipv4);
  EXPECT_FALSE(own.overlay_ipv6);
  EXPECT_EQ(own.pod_prefixes.size(), 2U);
}

}  // namespace
}  // namespace sextant::overlay
