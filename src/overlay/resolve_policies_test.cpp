// Policies in, Forwarding out: completion, candidate paths, steering, fallback, binding SIDs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/resolver.h"
#include "overlay/test_intent.h"

namespace sextant::overlay {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Intent with(const Policy& policy) {
  auto intent = testbed();
  add(intent, policy);
  return intent;
}

const PolicyStatus& status(const Resolution& resolution, std::uint32_t color, Family family,
                           std::string_view endpoint = "fd12::1000") {
  return resolution.policies.at({Ipv6Address::parse(endpoint).value(), srv6::Color{color}, family});
}

TEST(ResolvePolicies, PinsAPathThroughRoutersForBothFamilies) {
  const auto resolution = resolve_on_master(
      with(policy("gold", "worker2", 94, {path("p", 100, {list({"r6", "fcff:8::1"})})})));
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(lines(resolution.forwarding, "color 94"),
              ElementsAre("path fd12::1000 color 94 IPv4 [fcff:6::1 fcff:8::1 fcdd:0:0:12aa:13::]",
                          "path fd12::1000 color 94 IPv6 [fcff:6::1 fcff:8::1 fcdd:0:0:12aa:12::]",
                          "route 172.16.0.128/26 fd12::1000 color 94 IPv4",
                          "route fdfb:af47:32af::80/122 fd12::1000 color 94 IPv6",
                          "route pods 192.168.12.254/32 fd12::1000 color 94 IPv4",
                          "route pods fd12::1000/128 fd12::1000 color 94 IPv6"));
  EXPECT_THAT(status(resolution, 94, Family::kIpv6).steered,
              ElementsAre(prefix("fd12::1000/128"), prefix("fdfb:af47:32af::80/122")));
  EXPECT_EQ(status(resolution, 94, Family::kIpv6).endpoint_node, "worker2");
}

TEST(ResolvePolicies, ThePapersConfigMapForOneFamilyIsCompleteAsItStands) {
  auto intent = testbed();
  intent.nodes.at("worker2").sids.dt6 = sid("fcdd::12aa:d460:b250:45:b05");
  auto paper =
      policy("srv6-config-master[0]", "fd12::1000", 6,
             {path("p", 100, {list({"fcff:6::1", "fcff:8::1", "fcdd::12aa:d460:b250:45:b05"})})});
  paper.ipv4 = false;
  paper.binding_sid = sid("cafe::25");
  add(intent, paper);
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(
      lines(resolution.forwarding, "fcff:8::1"),
      ElementsAre(
          "sid cafe::25 End.B6.Encaps [fcff:6::1 fcff:8::1 fcdd::12aa:d460:b250:45:b05]",
          "path fd12::1000 color 6 IPv6 [fcff:6::1 fcff:8::1 fcdd::12aa:d460:b250:45:b05]"));
  EXPECT_THAT(lines(resolution.forwarding, "route 172.16.0.128/26"),
              ElementsAre("route 172.16.0.128/26 fd12::1000 plain IPv4"));
}

struct Completion {
  std::string name;
  WeightedSegments list;
  std::string ipv4, ipv6;  // the complete list, or the reason why it is not valid
};

class ResolveLists : public ::testing::TestWithParam<Completion> {};

WeightedSegments ending_in(WeightedSegments list, srv6::Behavior behavior) {
  list.last_behavior = behavior;
  return list;
}

std::string outcome(const PolicyStatus& policy) {
  const auto& candidate = policy.candidates.at(0);
  return candidate.active ? text(candidate.lists.at(0)) : candidate.invalid_reason;
}

TEST_P(ResolveLists, AreCompletedOrRefusedWithAReason) {
  auto intent = testbed();
  add(intent, node("bare", {"fd99::1"}, "", {}));  // neither pods nor locator nor SIDs
  auto wide = router("wide", "fcff:9::1");
  wide.locator = srv6::Locator::parse("fcff:9::/32").value();
  add(intent, wide);
  add(intent, policy("gold", "worker2", 94, {path("p", 100, {GetParam().list})}));
  const auto resolution = resolve_on_master(intent);
  EXPECT_EQ(outcome(status(resolution, 94, Family::kIpv4)), GetParam().ipv4);
  EXPECT_EQ(outcome(status(resolution, 94, Family::kIpv6)), GetParam().ipv6);
}

INSTANTIATE_TEST_SUITE_P(
    , ResolveLists,
    ::testing::Values(
        Completion{"TransportOnly", list({"fcff:7::1"}), "[fcff:7::1 fcdd:0:0:12aa:13::]",
                   "[fcff:7::1 fcdd:0:0:12aa:12::]"},
        Completion{"EndsInDt46", list({"r6", "fcdd:0:0:12aa:14::"}),
                   "[fcff:6::1 fcdd:0:0:12aa:14::]", "[fcff:6::1 fcdd:0:0:12aa:14::]"},
        Completion{"EndsInDt6", list({"fcdd:0:0:12aa:12::"}),
                   "segment list 1: ends in End.DT6 (fcdd:0:0:12aa:12::), which does not take IPv4 "
                   "packets",
                   "[fcdd:0:0:12aa:12::]"},
        // Behaviors that came with the list.
        Completion{"EndsInAnUnknownSidSaidToBeDt6",
                   ending_in(list({"r6", "fcdd:0:0:12aa::b05"}), srv6::Behavior::kEndDt6),
                   "segment list 1: ends in End.DT6 (fcdd:0:0:12aa::b05), which does not take IPv4 "
                   "packets",
                   "[fcff:6::1 fcdd:0:0:12aa::b05]"},
        Completion{"EndsInASidSaidToBeEnd", ending_in(list({"r6"}), srv6::Behavior::kEnd),
                   "[fcff:6::1 fcdd:0:0:12aa:13::]", "[fcff:6::1 fcdd:0:0:12aa:12::]"},
        Completion{"TheNodesOwnWordCountsMore",
                   ending_in(list({"fcdd:0:0:12aa:14::"}), srv6::Behavior::kEndDt6),
                   "[fcdd:0:0:12aa:14::]", "[fcdd:0:0:12aa:14::]"},
        Completion{"SaidToDecapsulateInAnothersLocator",
                   ending_in(list({"fcdd:0:0:11aa::b05"}), srv6::Behavior::kEndDt46),
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa::b05), not at the endpoint "
                   "worker2",
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa::b05), not at the endpoint "
                   "worker2"},
        Completion{"EndsAtTheEndpointsEnd", list({"r6", "worker2"}),
                   "[fcff:6::1 fcdd:0:0:12aa:1:: fcdd:0:0:12aa:13::]",
                   "[fcff:6::1 fcdd:0:0:12aa:1:: fcdd:0:0:12aa:12::]"},
        Completion{"PassesAnotherNode", list({"worker1", "r6"}),
                   "[fcdd:0:0:11aa:1:: fcff:6::1 fcdd:0:0:12aa:13::]",
                   "[fcdd:0:0:11aa:1:: fcff:6::1 fcdd:0:0:12aa:12::]"},
        Completion{"EndsInTheLocatorOfARouter", list({"wide"}), "[fcff:9::1 fcdd:0:0:12aa:13::]",
                   "[fcff:9::1 fcdd:0:0:12aa:12::]"},
        Completion{"DecapsulatesAtARouter", list({"fcff:9:12::"}),
                   "segment list 1: ends at node wide (fcff:9:12::), not at the endpoint worker2",
                   "segment list 1: ends at node wide (fcff:9:12::), not at the endpoint worker2"},
        Completion{"DecapsulatesOnTheWay", list({"fcdd:0:0:11aa:14::", "r6"}),
                   "segment list 1: segment 1: fcdd:0:0:11aa:14:: decapsulates at node worker1, so "
                   "it must be the last",
                   "segment list 1: segment 1: fcdd:0:0:11aa:14:: decapsulates at node worker1, so "
                   "it must be the last"},
        Completion{"EndsInTheLocatorOfAnotherNode", list({"fcdd:0:0:11aa::77"}),
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa::77), not at the endpoint "
                   "worker2",
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa::77), not at the endpoint "
                   "worker2"},
        Completion{"EndsAtAnotherNodeByName", list({"r6", "worker1"}),
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa:1::), not at the endpoint "
                   "worker2",
                   "segment list 1: ends at node worker1 (fcdd:0:0:11aa:1::), not at the endpoint "
                   "worker2"},
        Completion{"Empty", list({}), "segment list 1: is empty", "segment list 1: is empty"},
        Completion{"WeightZero", list({"r6"}, 0), "segment list 1: has weight 0",
                   "segment list 1: has weight 0"},
        Completion{"UnknownName", list({"r6", "r9"}),
                   "segment list 1: segment 2: no node or router is called 'r9'",
                   "segment list 1: segment 2: no node or router is called 'r9'"},
        Completion{"NameWithoutEndSid", list({"bare"}),
                   "segment list 1: segment 1: 'bare' has no End SID and no locator",
                   "segment list 1: segment 1: 'bare' has no End SID and no locator"},
        Completion{"MulticastSid", list({"ff02::1", "r6"}),
                   "segment list 1: segment 1: ff02::1 is no SID: it is multicast",
                   "segment list 1: segment 1: ff02::1 is no SID: it is multicast"},
        Completion{"AsDeepAsAllowed", list({"r6", "r8", "r6", "r8", "r6"}),
                   "[fcff:6::1 fcff:8::1 fcff:6::1 fcff:8::1 fcff:6::1 fcdd:0:0:12aa:13::]",
                   "[fcff:6::1 fcff:8::1 fcff:6::1 fcff:8::1 fcff:6::1 fcdd:0:0:12aa:12::]"},
        Completion{"TooDeep", list({"r6", "r8", "r6", "r8", "r6", "r8"}),
                   "segment list 1: has 7 SIDs with the service SID, more than maxSegments (6)",
                   "segment list 1: has 7 SIDs with the service SID, more than maxSegments (6)"}),
    [](const auto& row) { return row.param.name; });

TEST(ResolvePolicies, AnInvalidListLeavesTheOthersOfItsPath) {
  const auto resolution = resolve_on_master(with(policy(
      "gold", "worker2", 94,
      {path("wide", 100, {list({"r6"}, 3), list({"r9"}), list({"r8"}, 1)}), path("", 50, {})})));
  EXPECT_THAT(lines(resolution.forwarding, "path fd12::1000 color 94 IPv6"),
              ElementsAre("path fd12::1000 color 94 IPv6 [fcff:6::1 fcdd:0:0:12aa:12::]*3 "
                          "[fcff:8::1 fcdd:0:0:12aa:12::]"));
  EXPECT_THAT(
      lines(resolution.problems),
      ElementsAre("SRv6Policy/gold: candidate path 'wide' is used without a list: segment list 2: "
                  "segment 1: no node or router is called 'r9'",
                  "SRv6Policy/gold: candidate path 2 is not valid: it has no segment list"));
}

TEST(ResolvePolicies, ActivatesTheValidPathOfHighestPreference) {
  auto intent = with(policy("gold", "worker2", 94,
                            {path("low", 50, {list({"r6"})}), path("high", 200, {list({"r8"})}),
                             path("broken", 300, {list({"r9"})})}));
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "path fd12::1000 color 94 IPv6"),
              ElementsAre("path fd12::1000 color 94 IPv6 [fcff:8::1 fcdd:0:0:12aa:12::]"));
  intent.nodes.erase("r8");
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "path fd12::1000 color 94 IPv6"),
              ElementsAre("path fd12::1000 color 94 IPv6 [fcff:6::1 fcdd:0:0:12aa:12::]"));
}

TEST(ResolvePolicies, KeepsTheInstalledPathInATie) {
  auto a = policy("a", "worker2", 94, {path("p", 100, {list({"r6"})})});
  auto b = policy("b", "worker2", 94, {path("p", 100, {list({"r8"})})});
  a.paths[0].key.originator.asn = 7;
  b.paths[0].key.originator.asn = 5;  // lower wins, unless the other is installed
  auto intent = with(a);
  const auto before = resolve_on_master(intent);
  add(intent, b);
  const auto through = [](const Resolution& resolution) {
    return text(resolution.forwarding.paths
                    .at({Ipv6Address::parse("fd12::1000").value(), srv6::Color{94}, Family::kIpv6})
                    .lists);
  };
  EXPECT_THAT(through(resolve_on_master(intent)), HasSubstr("fcff:8::1"));
  EXPECT_THAT(through(resolve_on_master(intent, &before)), HasSubstr("fcff:6::1"));
}

TEST(ResolvePolicies, TwoObjectsOfOneColorAndEndpointAreOnePolicy) {
  auto a = policy("a", "worker2", 94, {path("a", 100, {list({"r6"})})});
  auto b = policy("b", "192.168.12.254", 94, {path("b", 200, {list({"r8"})})});
  b.ipv4 = false;
  b.binding_sid = sid("cafe::b");
  auto intent = with(a);
  add(intent, b);
  const auto resolution = resolve_on_master(intent);
  EXPECT_EQ(resolution.policies.size(), 2U);
  EXPECT_EQ(status(resolution, 94, Family::kIpv6).candidates.size(), 2U);
  EXPECT_EQ(status(resolution, 94, Family::kIpv4).candidates.size(), 1U);
  EXPECT_THAT(lines(resolution.forwarding, "sid cafe"),
              ElementsAre("sid cafe::b End.B6.Encaps [fcff:8::1 fcdd:0:0:12aa:12::]"));
}

TEST(ResolvePolicies, UncoloredPrefixesTakeTheHighestPreferenceThenTheLowerColor) {
  auto intent = with(policy("a", "worker2", 9, {path("p", 100, {list({"r6"})})}));
  add(intent, policy("b", "worker2", 5, {path("p", 100, {list({"r8"})})}));
  add(intent, policy("c", "worker2", 3, {path("p", 90, {list({"r8"})})}));
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "route 172.16.0.128/26"),
              ElementsAre("route 172.16.0.128/26 fd12::1000 color 5 IPv4"));
}

TEST(ResolvePolicies, ColoredPrefixesTakeTheirColorOrThePlainPath) {
  auto intent = with(policy("a", "worker2", 9, {path("p", 100, {list({"r6"})})}));
  auto& pods = intent.nodes.at("worker2").pod_prefixes;
  pods = {{prefix("10.9.0.0/24"), srv6::Color{9}}, {prefix("10.8.0.0/24"), srv6::Color{8}}};
  add(intent, policy("b", "worker2", 1, {path("p", 200, {list({"r6"})})}));
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "route 10."),
              ElementsAre("route 10.8.0.0/24 fd12::1000 plain IPv4",
                          "route 10.9.0.0/24 fd12::1000 color 9 IPv4"));
}

TEST(ResolvePolicies, FallsBackToThePlainPathOrDrops) {
  auto broken = policy("a", "worker2", 9, {path("p", 100, {list({"r9"})})});
  EXPECT_THAT(lines(resolve_on_master(with(broken)).forwarding, "route 172.16.0.128/26"),
              ElementsAre("route 172.16.0.128/26 fd12::1000 plain IPv4"));
  broken.fallback = Fallback::kDrop;
  auto intent = with(broken);
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "drop"),
              ElementsAre("route 172.16.0.128/26 drop", "route fdfb:af47:32af::80/122 drop",
                          "route pods 192.168.12.254/32 drop", "route pods fd12::1000/128 drop"));
  add(intent, policy("b", "worker2", 10, {path("p", 1, {list({"r6"})})}));
  EXPECT_THAT(lines(resolve_on_master(intent).forwarding, "drop"), IsEmpty());
}

TEST(ResolvePolicies, AForeignEndpointIsReachedByItsBindingSidOnly) {
  auto foreign = policy("a", "fd77::1", 9, {path("p", 100, {list({"r6", "fcdd:0:0:11aa:12::"})})});
  foreign.binding_sid = sid("cafe::9");
  const auto resolution = resolve_on_master(with(foreign));
  EXPECT_THAT(lines(resolution.problems), IsEmpty());
  EXPECT_THAT(lines(resolution.forwarding, "fcff:6::1"),
              ElementsAre("sid cafe::9 End.B6.Encaps [fcff:6::1 fcdd:0:0:11aa:12::]",
                          "path fd77::1 color 9 IPv4 [fcff:6::1 fcdd:0:0:11aa:12::]",
                          "path fd77::1 color 9 IPv6 [fcff:6::1 fcdd:0:0:11aa:12::]"));
  EXPECT_EQ(status(resolution, 9, Family::kIpv6, "fd77::1").endpoint_node, "");
}

TEST(ResolvePolicies, AppliesOnlyOnItsHeadends) {
  auto everywhere = policy("all", "worker2", 9, {path("p", 100, {list({"r6"})})});
  everywhere.headend = {};
  auto labelled = policy("gpu", "worker2", 10, {path("p", 100, {list({"r8"})})});
  labelled.headend = {.names = {}, .match_labels = {{"gpu", "yes"}, {"rack", "2"}}};
  auto intent = with(everywhere);
  add(intent, labelled);
  intent.nodes.at("worker1").labels = {{"gpu", "yes"}, {"rack", "2"}};
  intent.nodes.at("master").labels = {{"gpu", "yes"}};
  EXPECT_EQ(resolve_on_master(intent).policies.size(), 2U);
  EXPECT_EQ(resolve_on("worker1", intent).policies.size(), 4U);
  EXPECT_THAT(resolve_on("worker2", intent).policies, IsEmpty());  // itself the endpoint
  EXPECT_THAT(lines(resolve_on("worker2", intent).problems), IsEmpty());
}

struct BadPolicy {
  std::string name;
  void (*spoil)(Policy&);
  std::string problem;
};

class ResolveBadPolicies : public ::testing::TestWithParam<BadPolicy> {};

TEST_P(ResolveBadPolicies, AreReportedAndDisturbNobody) {
  auto bad = policy("bad", "worker2", 9, {path("p", 100, {list({"r6"})})});
  GetParam().spoil(bad);
  auto intent = with(bad);
  const auto good = policy("good", "worker1", 5, {path("p", 100, {list({"r8"})})});
  add(intent, good);
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.problems), ElementsAre(GetParam().problem));
  EXPECT_EQ(resolution.forwarding, resolve_on_master(with(good)).forwarding);
}

INSTANTIATE_TEST_SUITE_P(
    , ResolveBadPolicies,
    ::testing::Values(
        BadPolicy{"ColorZero", [](Policy& p) { p.color = {0}; },
                  "SRv6Policy/bad: color 0 is not a color (RFC 9256 section 2.1)"},
        BadPolicy{"NoFamily", [](Policy& p) { p.ipv4 = p.ipv6 = false; },
                  "SRv6Policy/bad: carries traffic of no family"},
        BadPolicy{"NoPaths", [](Policy& p) { p.paths.clear(); },
                  "SRv6Policy/bad: has no candidate path"},
        BadPolicy{"UnknownEndpoint", [](Policy& p) { p.endpoint = std::string("worker9"); },
                  "SRv6Policy/bad: endpoint: no node is called 'worker9'"},
        BadPolicy{"EndpointWithoutAddress", [](Policy& p) { p.endpoint = std::string("r6"); },
                  "SRv6Policy/bad: endpoint node r6 has no usable IPv6 address"},
        BadPolicy{"UnknownIpv4Endpoint", [](Policy& p) { p.endpoint = address("10.1.2.3"); },
                  "SRv6Policy/bad: endpoint: no node has the IPv4 address 10.1.2.3"},
        BadPolicy{"MulticastEndpoint", [](Policy& p) { p.endpoint = address("ff02::1"); },
                  "SRv6Policy/bad: endpoint ff02::1 is multicast"},
        BadPolicy{"NoHeadend", [](Policy& p) { p.headend.names = {"worker9"}; },
                  "SRv6Policy/bad: its headend selects no node"},
        BadPolicy{"NoHeadendByLabel",
                  [](Policy& p) {
                    p.headend = {.names = {}, .match_labels = {{"a", "b"}}};
                  },
                  "SRv6Policy/bad: its headend selects no node"}),
    [](const auto& row) { return row.param.name; });

class BindingSidRefused : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BindingSidRefused, WhereItIsSomethingElse) {
  auto gold = policy("gold", "worker2", 9, {path("p", 100, {list({"r6"})})});
  auto intent = with(gold);
  const auto without = resolve_on_master(intent).forwarding;
  gold.binding_sid = sid(GetParam().first);
  add(intent, gold);
  const auto resolution = resolve_on_master(intent);
  EXPECT_EQ(lines(resolution.forwarding), lines(without));
  EXPECT_FALSE(status(resolution, 9, Family::kIpv6).binding_sid);
  EXPECT_THAT(lines(resolution.problems),
              ElementsAre(std::string("SRv6Policy/gold: binding SID ") + GetParam().first +
                          " is not used: it is " + GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(, BindingSidRefused,
                         ::testing::Values(std::pair{"fcdd:0:0:aa:12::", "a SID of node master"},
                                           std::pair{"fcff:8::1", "a SID of node r8"},
                                           std::pair{"fd10::1000", "an address of node master"},
                                           std::pair{"ff02::1", "multicast"}));

TEST(ResolveBindingSids, TheFirstObjectByKeyHasItAndTheOtherPolicyWorksWithout) {
  auto a = policy("a", "worker2", 9, {path("p", 100, {list({"r6"})})});
  auto b = policy("b", "worker1", 9, {path("p", 100, {list({"r8"})})});
  a.binding_sid = b.binding_sid = sid("cafe::1");
  auto intent = with(b);
  add(intent, a);
  const auto resolution = resolve_on_master(intent);
  EXPECT_THAT(lines(resolution.forwarding, "sid cafe"),
              ElementsAre("sid cafe::1 End.B6.Encaps [fcff:6::1 fcdd:0:0:12aa:12::]"));
  EXPECT_THAT(lines(resolution.forwarding, "route 172.16.0.64/26"),
              ElementsAre("route 172.16.0.64/26 fd11::1000 color 9 IPv4"));
  EXPECT_THAT(
      lines(resolution.problems),
      ElementsAre("SRv6Policy/b: binding SID cafe::1 is not used: SRv6Policy/a has it already"));
  // On another headend it is no clash.
  intent.policies.at(a.key).headend.names = {"worker1"};
  EXPECT_THAT(lines(resolve_on_master(intent).problems), IsEmpty());
}

TEST(ResolveBindingSids, GoesWithItsLastValidPath) {
  auto gold = policy("gold", "worker2", 9, {path("p", 100, {list({"r9"})})});
  gold.binding_sid = sid("cafe::1");
  EXPECT_THAT(lines(resolve_on_master(with(gold)).forwarding, "cafe"), IsEmpty());
}

}  // namespace
}  // namespace sextant::overlay
