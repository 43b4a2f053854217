// Routes of BGP in, nodes and policies of the overlay out, beside those of another source.
#include "sources/bgp/intent_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace sextant::bgp_source {
namespace {

using bgp::ColorOnly;
using srv6::Behavior;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }

overlay::Node node(const std::string& name, std::string_view own, std::string_view locator = {}) {
  overlay::Node node{.name = name, .location = "nodes.yaml", .addresses = {address(own)}};
  if (!locator.empty()) node.locator = srv6::Locator::parse(locator).value();
  return node;
}

UnicastRoute plain(std::string_view next_hop) {
  return {.next_hop = address(next_hop), .calico_vpp = true};
}

UnicastRoute with_service(std::string_view next_hop, std::string_view service,
                          std::optional<bgp::ColorCommunity> color = {}) {
  return {.next_hop = address(next_hop),
          .color = color,
          .service = bgp::ServiceSid{.sid = sid(service).address(),
                                     .behavior = Behavior::kEndDt46,
                                     .structure = srv6::SidStructure{48, 16, 16, 0}}};
}

bgp::SrPolicyNlri nlri(std::uint32_t distinguisher, std::uint32_t color,
                       std::string_view endpoint) {
  return {distinguisher, {color}, address(endpoint)};
}

overlay::Policy policy(const bgp::SrPolicyNlri& key, std::uint32_t preference = 100) {
  overlay::Policy policy{.key = policy_key(key), .endpoint = key.endpoint, .color = key.color};
  policy.paths = {{.preference = preference, .lists = {{.segments = {sid("fcff:6::1")}}}}};
  policy.paths.front().key.discriminator = key.distinguisher;
  policy.binding_sid = sid("cafe::1");
  return policy;
}

class Merging : public ::testing::Test {
 protected:
  /// Gives the other source this node (or takes it away) and merges.
  void primary(const std::string& name, std::optional<overlay::Node> node) {
    if (node) {
      primary_.nodes.insert_or_assign(name, *node);
    } else {
      primary_.nodes.erase(name);
    }
    overlay::IntentChange change;
    change.nodes[name] = std::move(node);
    take(change);
  }
  void learn(std::string_view at, std::optional<UnicastRoute> route) {
    book_.set(prefix(at), std::move(route));
    take({});
  }
  void learn(const bgp::SrPolicyNlri& key, std::optional<PolicyReading> reading) {
    book_.set(key, std::move(reading));
    take({});
  }
  /// The change applied to what was before must give what is now.
  void take(const overlay::IntentChange& change) {
    auto expected = merge_.intent();
    last_ = merge_.take(change, book_.take_change());
    for (const auto& [name, node] : last_.nodes) {
      node ? void(expected.nodes[name] = *node) : void(expected.nodes.erase(name));
    }
    for (const auto& [key, policy] : last_.policies) {
      policy ? void(expected.policies[key] = *policy) : void(expected.policies.erase(key));
    }
    EXPECT_EQ(expected, merge_.intent());
  }
  [[nodiscard]] const std::map<std::string, overlay::Node>& nodes() const {
    return merge_.intent().nodes;
  }
  [[nodiscard]] std::vector<std::string> policies() const {
    std::vector<std::string> lines;
    for (const auto& [key, policy] : merge_.intent().policies) {
      lines.push_back(key.name + " to " + std::get<IpAddress>(policy.endpoint).to_string() +
                      " at " + std::to_string(policy.paths.front().preference));
    }
    return lines;
  }
  static std::vector<std::string> pods(const overlay::Node& node) {
    std::vector<std::string> lines;
    for (const auto& pod_prefix : node.pod_prefixes) {
      lines.push_back(
          pod_prefix.prefix.to_string() +
          (pod_prefix.color ? " color " + std::to_string(pod_prefix.color->value) : ""));
    }
    return lines;
  }

  overlay::Intent primary_;
  RouteBook book_;
  IntentMerge merge_{primary_, book_, "master", overlay::LocatorReach::kFabric};
  overlay::IntentChange last_;
};

TEST_F(Merging, LearnsANodeFromRoutesWithServiceSids) {
  learn("172.16.0.128/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  learn("fdfb:af47:32af::80/122", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  ASSERT_EQ(nodes().size(), 1U);
  const auto& learned = nodes().at("fd12::1000");
  EXPECT_EQ(learned.locator->to_string(), "fcdd:0:0:12aa::/64");
  EXPECT_EQ(learned.sids.dt46, sid("fcdd:0:0:12aa:14::"));
  EXPECT_THAT(learned.addresses, ElementsAre(address("fd12::1000")));
  EXPECT_THAT(pods(learned), UnorderedElementsAre("172.16.0.128/26", "fdfb:af47:32af::80/122"));
  learn("172.16.0.128/26", std::nullopt);
  EXPECT_THAT(pods(nodes().at("fd12::1000")), ElementsAre("fdfb:af47:32af::80/122"));
  learn("fdfb:af47:32af::80/122", std::nullopt);
  EXPECT_THAT(nodes(), IsEmpty());
}

TEST_F(Merging, LearnsANodeFromCalicosConvention) {
  learn("172.16.0.128/26", plain("fd12::1000"));
  learn("fcdd:0:0:12aa::/64", plain("fd12::1000"));
  learn("fd12::/64", plain("fd12::1000"));
  EXPECT_THAT(nodes(), IsEmpty()) << "without SIDs they are the underlay's routes";
  learn(nlri(0, 4, "fd12::1000"),
        NodeSid{address("fd12::1000").v6(), sid("fcdd:0:0:12aa::b04"), Behavior::kEndDt4});
  learn(nlri(0, 6, "fd12::1000"),
        NodeSid{address("fd12::1000").v6(), sid("fcdd:0:0:12aa::b05"), Behavior::kEndDt6});
  const auto& learned = nodes().at("fd12::1000");
  EXPECT_EQ(learned.locator->to_string(), "fcdd:0:0:12aa::/64");
  EXPECT_EQ(learned.sids.dt4, sid("fcdd:0:0:12aa::b04"));
  EXPECT_EQ(learned.sids.dt6, sid("fcdd:0:0:12aa::b05"));
  EXPECT_THAT(pods(learned), ElementsAre("172.16.0.128/26"))
      << "neither the SIDs' prefix nor the one around the node itself";
  learn(nlri(0, 4, "fd12::1000"), std::nullopt);
  EXPECT_EQ(nodes().at("fd12::1000").sids.dt4, std::nullopt);
}

TEST_F(Merging, TakesTheFirst64BitsOfASidForALocatorWhereNothingElseSaysIt) {
  learn(nlri(0, 6, "fd12::1000"),
        NodeSid{address("fd12::1000").v6(), sid("fcdd::12aa:d460:b250:45:b05"), Behavior::kEndDt6});
  EXPECT_EQ(nodes().at("fd12::1000").locator->to_string(), "fcdd:0:0:12aa::/64");
}

TEST_F(Merging, OnlyAddsToNodesThatTheOtherSourceKnows) {
  auto known = node("worker2", "fd12::1000", "fcdd:0:0:99::/64");
  known.pod_prefixes = {{prefix("172.16.0.128/26"), std::nullopt}};
  primary("worker2", known);
  learn("172.16.0.128/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::",
                                        bgp::ColorCommunity{{94}, ColorOnly::kExactEndpoint}));
  learn("172.16.7.0/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  ASSERT_EQ(nodes().size(), 1U);
  EXPECT_EQ(nodes().at("worker2").locator->to_string(), "fcdd:0:0:99::/64");
  EXPECT_EQ(nodes().at("worker2").location, "nodes.yaml");
  EXPECT_THAT(pods(nodes().at("worker2")),
              ElementsAre("172.16.0.128/26 color 94", "172.16.7.0/26"));
  // Its name goes, its routes stay; and the other way round.
  primary("worker2", std::nullopt);
  EXPECT_THAT(pods(nodes().at("fd12::1000")),
              ElementsAre("172.16.0.128/26 color 94", "172.16.7.0/26"));
  EXPECT_FALSE(nodes().contains("worker2"));
  primary("worker2", node("worker2", "fd12::1000"));
  EXPECT_FALSE(nodes().contains("fd12::1000"));
  EXPECT_EQ(nodes().at("worker2").locator->to_string(), "fcdd:0:0:12aa::/64");
}

TEST_F(Merging, GivesAnAddressOfTwoNodesToTheFirstByName) {
  learn("172.16.7.0/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  primary("b", node("b", "fd12::1000"));
  primary("a", node("a", "fd12::1000"));
  EXPECT_THAT(pods(nodes().at("a")), ElementsAre("172.16.7.0/26"));
  EXPECT_THAT(pods(nodes().at("b")), IsEmpty());
  primary("a", node("a", "fd13::1000"));
  EXPECT_THAT(pods(nodes().at("a")), IsEmpty());
  EXPECT_THAT(pods(nodes().at("b")), ElementsAre("172.16.7.0/26"));
}

TEST_F(Merging, LeavesToEachNodeWhatTheOtherSourceGivesIt) {
  auto known = node("worker1", "fd11::1000", "fcdd:0:0:11aa::/64");
  known.pod_prefixes = {{prefix("172.16.0.64/26"), std::nullopt}};
  primary("worker1", known);
  primary("worker2", node("worker2", "fd12::1000", "fcdd:0:0:12aa::/64"));
  // Another node's routes for the same pods, pods around them, its locator; and some of its own.
  const auto elsewhere = [](std::string_view sid) { return with_service("fd99::1", sid); };
  learn("172.16.0.64/26", elsewhere("fcdd:0:0:99:14::"));
  learn("172.16.0.0/16", elsewhere("fcdd:0:0:99:14::"));
  learn("fcdd:0:0:11aa::/72", elsewhere("fcdd:0:0:99:14::"));
  learn("172.16.0.70/32", elsewhere("fcdd:0:0:99:14::"));
  learn("10.0.0.0/8", elsewhere("fcdd:0:0:99:14::"));
  learn("172.16.0.96/27", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  EXPECT_THAT(pods(nodes().at("fd99::1")), UnorderedElementsAre("10.0.0.0/8", "172.16.0.70/32"));
  EXPECT_THAT(pods(nodes().at("worker2")), IsEmpty()) << "of nodes that it knows itself too";
  EXPECT_EQ(nodes().at("worker1"), known);
  using Refused = IntentMerge::Refused;
  EXPECT_THAT(merge_.refused().at("fd99::1"),
              UnorderedElementsAre(Refused{prefix("172.16.0.64/26"), "worker1"},
                                   Refused{prefix("172.16.0.0/16"), "worker1"},
                                   Refused{prefix("fcdd:0:0:11aa::/72"), "worker1"}));
  EXPECT_THAT(merge_.refused().at("worker2"),
              ElementsAre(Refused{prefix("172.16.0.96/27"), "worker1"}));
  // The first to come has no right to it: the node may be younger than the route.
  primary("worker1", std::nullopt);
  EXPECT_EQ(pods(nodes().at("fd99::1")).size(), 5U);
  EXPECT_THAT(pods(nodes().at("worker2")), ElementsAre("172.16.0.96/27"));
  EXPECT_THAT(merge_.refused(), IsEmpty());
  primary("worker1", known);
  EXPECT_EQ(pods(nodes().at("fd99::1")).size(), 2U);
  EXPECT_THAT(pods(nodes().at("worker2")), IsEmpty());
}

TEST_F(Merging, LeavesALocatorToItsNode) {
  primary("worker1", node("worker1", "fd11::1000", "fcdd:0:0:11aa::/64"));
  learn("172.16.7.0/26", with_service("fd99::1", "fcdd:0:0:11aa:14::"));
  EXPECT_EQ(nodes().at("fd99::1").locator, std::nullopt);
  EXPECT_EQ(merge_.refused().at("fd99::1").begin()->owner, "worker1");
  primary("worker1", node("worker1", "fd11::1000"));
  EXPECT_EQ(nodes().at("fd99::1").locator->to_string(), "fcdd:0:0:11aa::/64");
}

TEST_F(Merging, AddsNothingToThisNodeItself) {
  primary("master", node("master", "fd10::1000", "fcdd:0:0:aa::/64"));
  learn("172.16.9.0/26", with_service("fd10::1000", "fcdd:0:0:aa:14::"));
  EXPECT_EQ(nodes().at("master"), primary_.nodes.at("master"));
}

TEST_F(Merging, FollowsARouteToAnotherNextHop) {
  learn("172.16.7.0/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::"));
  learn("172.16.7.0/26", with_service("fd11::1000", "fcdd:0:0:11aa:14::"));
  EXPECT_FALSE(nodes().contains("fd12::1000"));
  EXPECT_THAT(pods(nodes().at("fd11::1000")), ElementsAre("172.16.7.0/26"));
}

TEST_F(Merging, ShowsPoliciesAsTheyComeAndGo) {
  const auto key = nlri(4, 94, "fd12::1000");
  learn(key, policy(key));
  EXPECT_THAT(policies(), ElementsAre("4:94:fd12::1000 to fd12::1000 at 100"));
  learn(key, policy(key, 200));
  EXPECT_THAT(policies(), ElementsAre("4:94:fd12::1000 to fd12::1000 at 200"));
  learn(key, Unusable{"its route targets name other headends"});
  EXPECT_THAT(policies(), IsEmpty());
  EXPECT_EQ(book_.unusable().at(key).reason, "its route targets name other headends");
  learn(key, std::nullopt);
  EXPECT_THAT(book_.unusable(), IsEmpty());
}

TEST_F(Merging, SteersByColorAloneAsTheCoBitsAllow) {
  const auto null_low = nlri(1, 94, "::");
  const auto null_high = nlri(2, 94, "::");
  const auto elsewhere = nlri(3, 94, "fd11::1000");
  const auto other_color = nlri(4, 95, "::");
  learn(null_low, policy(null_low, 100));
  learn(null_high, policy(null_high, 300));
  learn(elsewhere, policy(elsewhere, 500));
  learn(other_color, policy(other_color));
  const auto color = [](ColorOnly bits) { return bgp::ColorCommunity{{94}, bits}; };
  learn("172.16.7.0/26",
        with_service("fd12::1000", "fcdd:0:0:12aa:14::", color(ColorOnly::kExactEndpoint)));
  EXPECT_THAT(policies(), ElementsAre("3:94:fd11::1000 to fd11::1000 at 500"));
  learn("172.16.7.0/26",
        with_service("fd12::1000", "fcdd:0:0:12aa:14::", color(ColorOnly::kNullEndpoint)));
  EXPECT_THAT(policies(), ElementsAre("1:94::: for fd12::1000 to fd12::1000 at 0",
                                      "2:94::: for fd12::1000 to fd12::1000 at 1",
                                      "3:94:fd11::1000 to fd11::1000 at 500"));
  learn("172.16.7.0/26",
        with_service("fd12::1000", "fcdd:0:0:12aa:14::", color(ColorOnly::kAnyEndpoint)));
  EXPECT_THAT(policies(), ElementsAre("1:94::: for fd12::1000 to fd12::1000 at 1",
                                      "2:94::: for fd12::1000 to fd12::1000 at 2",
                                      "3:94:fd11::1000 to fd11::1000 at 500",
                                      "3:94:fd11::1000 for fd12::1000 to fd12::1000 at 0"));
  learn(null_high, std::nullopt);
  learn(elsewhere, std::nullopt);
  EXPECT_THAT(policies(), ElementsAre("1:94::: for fd12::1000 to fd12::1000 at 0"));
  learn("172.16.7.0/26", std::nullopt);
  EXPECT_THAT(policies(), IsEmpty());
}

// RFC 9256 section 8.8.1: the next hop's own family comes first, whatever the preferences.
TEST_F(Merging, TakesAPolicyOfTheNextHopsFamilyBeforeOneOfTheOther) {
  const auto ipv4 = nlri(1, 94, "0.0.0.0");
  const auto ipv6 = nlri(2, 94, "::");
  const auto elsewhere4 = nlri(3, 94, "10.0.0.9");
  const auto elsewhere6 = nlri(4, 94, "fd11::1000");
  learn(ipv4, policy(ipv4, 900));
  learn(ipv6, policy(ipv6, 100));
  learn(elsewhere4, policy(elsewhere4, 900));
  learn(elsewhere6, policy(elsewhere6, 100));
  learn("172.16.7.0/26", with_service("fd12::1000", "fcdd:0:0:12aa:14::",
                                      bgp::ColorCommunity{{94}, ColorOnly::kAnyEndpoint}));
  EXPECT_THAT(policies(), ElementsAre("1:94:0.0.0.0 for fd12::1000 to fd12::1000 at 2",
                                      "2:94::: for fd12::1000 to fd12::1000 at 3",
                                      "3:94:10.0.0.9 to 10.0.0.9 at 900",
                                      "3:94:10.0.0.9 for fd12::1000 to fd12::1000 at 0",
                                      "4:94:fd11::1000 to fd11::1000 at 100",
                                      "4:94:fd11::1000 for fd12::1000 to fd12::1000 at 1"));
}

}  // namespace
}  // namespace sextant::bgp_source
