// Intent in, the SR domain out: what is closed to pods, and what outer packets come from.
#include "overlay/domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/resolver.h"
#include "overlay/test_intent.h"

namespace sextant::overlay {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kMaster = "master";

Lines domain_of(const Intent& intent, std::vector<IpPrefix> sid_prefixes = {}) {
  return domain_lines(
      resolve(intent, {.node = kMaster, .sid_prefixes = std::move(sid_prefixes)}).forwarding);
}

TEST(Domain, HoldsTheSidsAndAddressesOfAllNodesAndRouters) {
  EXPECT_THAT(
      domain_of(testbed()),
      ElementsAre("fcdd:0:0:aa::/64 sids", "fcdd:0:0:11aa::/64 sids", "fcdd:0:0:12aa::/64 sids",
                  "fcff:6::1/128 sids", "fcff:8::1/128 sids", "fd10::1000/128 sources",
                  "fd11::1000/128 sources", "fd12::1000/128 sources"));
}

TEST(Domain, IsEmptyWithoutNodesAndSettings) { EXPECT_THAT(domain_of({}), IsEmpty()); }

TEST(Domain, ARoutersLoopbackCanBeBothItsSidAndItsSource) {
  auto intent = testbed();
  intent.nodes.at("r6").addresses = {address("fcff:6::1")};
  EXPECT_THAT(domain_of(intent), Contains("fcff:6::1/128 sids sources"));
}

TEST(Domain, HoldsTheSidsOfEveryPolicyAlsoOfOtherHeadendsAndInvalidOnes) {
  auto intent = testbed();
  auto other = policy("other", "worker1", 4, {path("p", 100, {list({"fcff:7::1"})})});
  other.headend.names = {"worker2"};
  other.binding_sid = sid("cafe::7");
  add(intent, other);
  add(intent, policy("invalid", "nobody", 4, {path("p", 100, {list({"fcff:9::1"})})}));
  const auto domain = domain_of(intent);
  EXPECT_THAT(domain, Contains("fcff:7::1/128 sids"));
  EXPECT_THAT(domain, Contains("cafe::7/128 sids"));
  EXPECT_THAT(domain, Contains("fcff:9::1/128 sids"));
}

TEST(Domain, HoldsConfiguredPrefixes) {
  EXPECT_THAT(domain_of(testbed(), {prefix("cafe::/64")}), Contains("cafe::/64 sids"));
}

TEST(Domain, HoldsPrefixesThatAnObjectNamesUntilTheLastIsGone) {
  auto intent = testbed();
  intent.sid_prefixes[{"IPPool", "sr-policies-pool"}] = prefix("cafe::/118");
  EXPECT_THAT(domain_of(intent, {prefix("cafe::/118")}), Contains("cafe::/118 sids"));
  Resolver resolver(Settings{.node = kMaster});
  (void)resolver.apply(diff(Intent{}, intent));
  EXPECT_EQ(domain_lines(resolver.forwarding()), domain_of(intent));
  IntentChange gone;
  gone.sid_prefixes[{"IPPool", "sr-policies-pool"}] = std::nullopt;
  EXPECT_EQ(resolver.apply(gone).domain,
            (std::map<IpPrefix, std::optional<DomainRole>>{{prefix("cafe::/118"), std::nullopt}}));
}

TEST(Domain, NeverHoldsWhatPodsNeedOnTheirLink) {
  auto intent = testbed();
  auto odd = policy("odd", "worker1", 4, {path("p", 100, {list({"ff02::1", "fe80::1", "::1"})})});
  odd.binding_sid = sid("ff02::2");
  add(intent, odd);
  EXPECT_EQ(domain_of(intent), domain_of(testbed()));
}

TEST(Domain, ARefusedLocatorIsNotInIt) {
  auto intent = testbed();
  intent.nodes.at("worker2").locator = intent.nodes.at("worker1").locator;
  const auto domain = domain_of(intent);
  EXPECT_THAT(domain, Contains("fcdd:0:0:11aa::/64 sids"));
  EXPECT_THAT(domain, Not(Contains("fcdd:0:0:12aa::/64 sids")));
}

TEST(Domain, AChangeTellsOnlyWhatItChanges) {
  auto intent = testbed();
  Resolver resolver(Settings{.node = kMaster});
  (void)resolver.apply(diff(Intent{}, intent));
  auto anycast = router("r9", "fcff:8::1");
  auto change = resolver.apply({.nodes = {{"r9", anycast}}, .policies = {}});
  EXPECT_TRUE(change.empty()) << "r8 has that SID already";
  change = resolver.apply({.nodes = {{"r8", std::nullopt}}, .policies = {}});
  EXPECT_TRUE(change.domain.empty()) << "r9 still has it";
  change = resolver.apply({.nodes = {{"r9", std::nullopt}}, .policies = {}});
  ASSERT_EQ(change.domain.size(), 1U);
  EXPECT_EQ(change.domain.begin()->first, prefix("fcff:8::1/128"));
  EXPECT_FALSE(change.domain.begin()->second);
}

}  // namespace
}  // namespace sextant::overlay
