#include "overlay/forwarding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/test_intent.h"

namespace sextant::overlay {
namespace {

using namespace testing;

TEST(PathKey, IsNamedByEndpointColorAndFamily) {
  const auto endpoint = Ipv6Address::parse("fd12::1000").value();
  EXPECT_EQ((PathKey{endpoint, srv6::Color{4}, Family::kIpv4}).to_string(),
            "fd12::1000 color 4 IPv4");
  EXPECT_EQ((PathKey{endpoint, std::nullopt, Family::kIpv6}).to_string(), "fd12::1000 plain IPv6");
}

TEST(ForwardingDiff, OfEqualOnesIsEmpty) {
  const auto forwarding = resolve_on_master(testbed()).forwarding;
  EXPECT_FALSE(lines(forwarding).empty());
  EXPECT_TRUE(diff(forwarding, forwarding).empty());
  EXPECT_TRUE(diff(Forwarding{}, Forwarding{}).empty());
}

TEST(ForwardingDiff, HoldsOnlyWhatChanged) {
  auto intent = testbed();
  const auto before = resolve_on_master(intent).forwarding;
  intent.nodes.at("worker2").pod_prefixes.push_back({prefix("172.16.7.0/26"), std::nullopt});
  intent.nodes.at("worker2").pod_prefixes.erase(intent.nodes.at("worker2").pod_prefixes.begin());
  const auto after = resolve_on_master(intent).forwarding;

  const auto change = diff(before, after);

  EXPECT_FALSE(change.identity);
  EXPECT_TRUE(change.local_sids.empty());
  EXPECT_TRUE(change.paths.empty());
  ASSERT_EQ(change.routes.size(), 2U);
  EXPECT_FALSE(change.routes.at({RouteScope::kAll, prefix("172.16.0.128/26")}));
  EXPECT_TRUE(change.routes.at({RouteScope::kAll, prefix("172.16.7.0/26")}));
}

TEST(ForwardingDiff, PatchesOneIntoTheOther) {
  auto intent = testbed();
  intent.nodes.at("worker1").reach = LocatorReach::kOnLink;
  const auto first = resolve_on_master(intent).forwarding;
  const auto other = resolve_on("worker2", intent).forwarding;
  for (const auto& from : {Forwarding{}, first, other}) {
    for (const auto& to : {Forwarding{}, first, other}) {
      auto patched = from;
      patch(patched, diff(from, to));
      EXPECT_EQ(patched, to);
    }
  }
}

TEST(IntentDiff, HoldsChangedAddedAndRemovedObjects) {
  const auto from = testbed();
  auto to = from;
  to.nodes.erase("r6");
  to.nodes.at("worker1").labels["rack"] = "3";
  add(to, policy("gold", "worker2", 94, {}));

  const auto change = diff(from, to);

  EXPECT_TRUE(diff(from, from).empty());
  ASSERT_EQ(change.nodes.size(), 2U);
  EXPECT_FALSE(change.nodes.at("r6"));
  EXPECT_EQ(change.nodes.at("worker1"), to.nodes.at("worker1"));
  EXPECT_EQ(change.policies.size(), 1U);
}

}  // namespace
}  // namespace sextant::overlay
