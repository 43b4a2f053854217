// A node's own routes: what another node reads of them is what this node is.
#include "sources/bgp/announcements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/bgp/intent_merge.h"

namespace sextant::bgp_source {
namespace {

using srv6::Behavior;
using ::testing::ElementsAre;

srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }

Self worker2() {
  return {.address = Ipv6Address::parse("fd12::1000").value(),
          .locator = srv6::Locator::parse("fcdd:0:0:12aa::/64").value(),
          .dt4 = sid("fcdd:0:0:12aa:13::"),
          .dt6 = sid("fcdd:0:0:12aa:12::"),
          .dt46 = sid("fcdd:0:0:12aa:14::"),
          .pod_prefixes = {IpPrefix::parse("172.16.0.128/26").value(),
                           IpPrefix::parse("fdfb:af47:32af::80/122").value()}};
}

/// What a node that hears these routes makes of them.
std::map<std::string, overlay::Node> heard(const std::vector<Announcement>& routes,
                                           bgp::SrPolicyDialect dialect) {
  overlay::Intent nothing;
  RouteBook book;
  IntentMerge merge(nothing, book, "master", overlay::LocatorReach::kFabric);
  const RouteOrigin origin{.dialect = dialect, .asn = 64512, .peer = "fd12::1000"};
  for (const auto& route : routes) {
    if (const auto* const prefix = std::get_if<IpPrefix>(&route.nlri)) {
      book.set(*prefix, read_unicast(route.next_hop.address, route.attributes, origin));
    } else {
      const auto& nlri = std::get<bgp::SrPolicyNlri>(route.nlri);
      book.set(nlri, read_sr_policy(nlri, route.next_hop.address, route.attributes, origin, {}));
    }
  }
  (void)merge.take({}, book.take_change());
  return merge.intent().nodes;
}

void expect_worker2(const overlay::Node& node) {
  EXPECT_EQ(node.locator->to_string(), "fcdd:0:0:12aa::/64");
  EXPECT_EQ(node.sids.dt4, sid("fcdd:0:0:12aa:13::"));
  EXPECT_EQ(node.sids.dt6, sid("fcdd:0:0:12aa:12::"));
  ASSERT_EQ(node.pod_prefixes.size(), 2U);
  EXPECT_EQ(node.pod_prefixes[0].prefix.to_string(), "172.16.0.128/26");
  EXPECT_EQ(node.pod_prefixes[1].prefix.to_string(), "fdfb:af47:32af::80/122");
}

TEST(Announcements, TellANodeOfTheStandardConventionAll) {
  const auto nodes = heard(announcements(worker2(), false), bgp::SrPolicyDialect::kStandard);
  ASSERT_EQ(nodes.size(), 1U);
  expect_worker2(nodes.at("fd12::1000"));
}

/// It knows nothing of service SIDs in unicast routes.
TEST(Announcements, TellANodeOfCalicosConventionAll) {
  auto routes = announcements(worker2(), true);
  for (auto& route : routes) route.attributes.prefix_sid.clear();
  const auto nodes = heard(routes, bgp::SrPolicyDialect::kCalicoVpp);
  ASSERT_EQ(nodes.size(), 1U);
  expect_worker2(nodes.at("fd12::1000"));
}

TEST(Announcements, AreCalicosToTheLetter) {
  std::vector<std::string> lines;
  for (const auto& route : announcements(worker2(), true)) {
    const auto* const nlri = std::get_if<bgp::SrPolicyNlri>(&route.nlri);
    if (nlri == nullptr) continue;
    EXPECT_EQ(route.family, bgp::kSrPolicyIpv6);
    const auto tunnel = bgp::decode_sr_policy(route.attributes.tunnel_encapsulation).value();
    ASSERT_EQ(tunnel.lists.size(), 1U);
    ASSERT_EQ(tunnel.lists[0].segments.size(), 1U);
    const auto& segment = tunnel.lists[0].segments[0];
    lines.push_back(nlri->to_string() + " preference " + std::to_string(tunnel.preference.value()) +
                    " priority " + std::to_string(tunnel.priority.value()) + " bsid " +
                    tunnel.srv6_bsid().value().to_string() + " weight " +
                    std::to_string(tunnel.lists[0].weight.value()) + " " + segment.sid.to_string() +
                    " " + std::string(to_string(segment.behavior.value().behavior)));
  }
  EXPECT_THAT(lines, ElementsAre("0:4:fd12::1000 preference 11 priority 10 bsid "
                                 "fcdd:0:0:12aa:e04:: weight 12 fcdd:0:0:12aa:13:: End.DT4",
                                 "0:6:fd12::1000 preference 11 priority 10 bsid "
                                 "fcdd:0:0:12aa:e06:: weight 12 fcdd:0:0:12aa:12:: End.DT6"));
}

TEST(Announcements, UseTheSidForBothFamiliesWhereThereIsNoOther) {
  auto self = worker2();
  self.dt4.reset();
  self.dt6.reset();
  const auto nodes = heard(announcements(self, false), bgp::SrPolicyDialect::kStandard);
  EXPECT_EQ(nodes.at("fd12::1000").sids.dt46, sid("fcdd:0:0:12aa:14::"));
}

TEST(Announcements, AreOfFixedSidsOutsideOfTheLocatorToo) {
  auto self = worker2();
  self.dt6 = sid("fcdd::12aa:d460:b250:45:b05");
  self.locator = srv6::Locator::parse("fcde:0:0:1::/64").value();
  const auto nodes = heard(announcements(self, false), bgp::SrPolicyDialect::kStandard);
  EXPECT_EQ(nodes.at("fd12::1000").sids.dt6, self.dt6);
}

TEST(Announcements, AreNothingForANodeWithNeitherPodsNorLocator) {
  EXPECT_THAT(announcements({.address = worker2().address}, true), ElementsAre());
}

}  // namespace
}  // namespace sextant::bgp_source
