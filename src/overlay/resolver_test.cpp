// Resolver gives, change by change, what resolve() gives at once.
#include "overlay/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay/random_intent.h"
#include "overlay/test_intent.h"

namespace sextant::overlay {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Resolution snapshot(const Resolver& resolver) {
  return {resolver.forwarding(), resolver.policies(), resolver.problems(), resolver.incumbents()};
}

/// For messages only: which part differs.
Lines difference(const Resolution& live, const Resolution& full) {
  Lines result;
  const auto compare = [&](const Lines& a, const Lines& b, const std::string& sign) {
    for (const auto& line : a) {
      if (std::ranges::find(b, line) == b.end()) result.push_back(sign + line);
    }
  };
  compare(lines(live.forwarding), lines(full.forwarding), "only live: ");
  compare(lines(full.forwarding), lines(live.forwarding), "only full: ");
  compare(domain_lines(live.forwarding), domain_lines(full.forwarding), "only live: domain ");
  compare(domain_lines(full.forwarding), domain_lines(live.forwarding), "only full: domain ");
  compare(lines(live.problems), lines(full.problems), "only live: ");
  compare(lines(full.problems), lines(live.problems), "only full: ");
  if (live.policies != full.policies) result.emplace_back("policies differ");
  return result;
}

class ResolverProperty : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(ResolverProperty, IncrementalEqualsFull) {
  constexpr std::uint32_t kSequences = 12;
  constexpr int kChanges = 80;
  std::size_t steered = 0;
  std::size_t binding_sids = 0;
  std::size_t drops = 0;
  for (std::uint32_t sequence = 0; sequence < kSequences; ++sequence) {
    const auto seed = GetParam() * kSequences + sequence;
    RandomIntent random(seed);
    const Settings settings{.node = "b",
                            .sid_prefixes = {prefix("fcee::/16"), prefix("fcff:1::1/128")}};
    Resolver resolver(settings);
    Intent intent;
    auto full = resolve(intent, settings);
    for (int step = 0; step < kChanges; ++step) {
      const auto change = random.change(intent);
      for (const auto& [name, node] : change.nodes) {
        intent.nodes.erase(name);
        if (node) intent.nodes.emplace(name, *node);
      }
      for (const auto& [key, policy] : change.policies) {
        intent.policies.erase(key);
        if (policy) intent.policies.emplace(key, *policy);
      }
      for (const auto& [key, pool] : change.sid_prefixes) {
        intent.sid_prefixes.erase(key);
        if (pool) intent.sid_prefixes.emplace(key, *pool);
      }
      const auto before = full;
      full = resolve(intent, settings, &before);

      const auto told = resolver.apply(change);

      const auto live = snapshot(resolver);
      ASSERT_EQ(resolver.intent(), intent);
      ASSERT_TRUE(live == full) << "seed " << seed << " step " << step << ": "
                                << ::testing::PrintToString(difference(live, full));
      ASSERT_EQ(told, diff(before.forwarding, full.forwarding))
          << "seed " << seed << " step " << step;
      auto patched = before.forwarding;
      patch(patched, told);
      ASSERT_EQ(patched, full.forwarding) << "seed " << seed << " step " << step;
      steered += lines(full.forwarding, " color ").size();
      binding_sids += lines(full.forwarding, "End.B6.Encaps").size();
      drops += lines(full.forwarding, " drop").size();
    }
  }
  // The changes must reach what they are to test.
  EXPECT_GT(steered, 300U);
  EXPECT_GT(binding_sids, 20U);
  EXPECT_GT(drops, 100U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ResolverProperty, ::testing::Range(0U, 5U));

/// A chain of changes that leads to an intent: all at once.
IntentChange all_of(const Intent& intent) { return diff(Intent{}, intent); }

Lines told(const ForwardingDiff& change) {
  Forwarding added;
  Lines result;
  const auto removed = [&](const std::string& what) { result.push_back("- " + what); };
  for (const auto& [key, target] : change.routes) {
    if (!target) removed("route " + key.prefix.to_string());
  }
  for (const auto& [key, path] : change.paths) {
    if (!path) removed("path " + key.to_string());
  }
  patch(added, change);
  for (const auto& line : lines(added)) result.push_back("+ " + line);
  return result;
}

TEST(Resolver, TellsTheOnePathThatAnEditChanges) {
  auto intent = testbed();
  auto gold = policy("gold", "worker2", 94, {path("p", 100, {list({"r6"})})});
  add(intent, gold);
  Resolver resolver(Settings{.node = "master"});
  EXPECT_FALSE(resolver.apply(all_of(intent)).empty());
  gold.ipv4 = false;
  EXPECT_THAT(told(resolver.apply({.nodes = {}, .policies = {{gold.key, gold}}})),
              ElementsAre("- path fd12::1000 color 94 IPv4",
                          "+ route 172.16.0.128/26 fd12::1000 plain IPv4",
                          "+ route pods 192.168.12.254/32 fd12::1000 plain IPv4"));
  gold.paths[0].lists = {list({"r8"})};
  EXPECT_THAT(told(resolver.apply({.nodes = {}, .policies = {{gold.key, gold}}})),
              ElementsAre("+ path fd12::1000 color 94 IPv6 [fcff:8::1 fcdd:0:0:12aa:12::]"));
  EXPECT_TRUE(resolver.apply({.nodes = {}, .policies = {{gold.key, gold}}}).empty());
}

TEST(Resolver, FollowsAReaddressedEndpoint) {
  auto intent = testbed();
  add(intent, policy("gold", "worker2", 94, {path("p", 100, {list({"r6"})})}));
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  auto moved = intent.nodes.at("worker2");
  moved.addresses = {address("fd12::2000")};
  (void)resolver.apply({.nodes = {{"worker2", moved}}, .policies = {}});
  EXPECT_THAT(lines(resolver.forwarding(), "fd12::1000"), IsEmpty());
  EXPECT_THAT(lines(resolver.forwarding(), "route 172.16.0.128/26"),
              ElementsAre("route 172.16.0.128/26 fd12::2000 color 94 IPv4"));
}

TEST(Resolver, ARenamedNodeChangesNothingForOthers) {
  auto intent = testbed();
  add(intent, policy("gold", "fd12::1000", 94, {path("p", 100, {list({"r6"})})}));
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  auto renamed = intent.nodes.at("worker2");
  renamed.name = "worker3";
  const auto change =
      resolver.apply({.nodes = {{"worker2", std::nullopt}, {"worker3", renamed}}, .policies = {}});
  EXPECT_THAT(told(change), IsEmpty());
  EXPECT_TRUE(change.empty());
  EXPECT_EQ(resolver.policies().begin()->second.endpoint_node, "worker3");
}

TEST(Resolver, RemovesEverythingOfARemovedNode) {
  auto intent = testbed();
  intent.nodes.erase("worker2");
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  const auto without = resolver.forwarding();
  auto worker2 = testbed().nodes.at("worker2");
  worker2.reach = LocatorReach::kOnLink;
  EXPECT_FALSE(resolver.apply({.nodes = {{"worker2", worker2}}, .policies = {}}).empty());
  EXPECT_FALSE(resolver.apply({.nodes = {{"worker2", std::nullopt}}, .policies = {}}).empty());
  EXPECT_EQ(resolver.forwarding(), without);
}

TEST(Resolver, ANodeThatComesLaterTakesNothingFromThoseThatWork) {
  const auto intent = testbed();
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  const auto before = resolver.forwarding();
  auto intruder = intent.nodes.at("worker1");  // before all others by its name
  intruder.name = "a";
  intruder.pod_prefixes = {{prefix("172.16.0.0/16"), {}}, {prefix("fdfb:af47:32af::40/122"), {}}};
  EXPECT_TRUE(resolver.apply({.nodes = {{"a", intruder}}, .policies = {}}).empty());
  EXPECT_EQ(resolver.forwarding(), before);
  EXPECT_THAT(lines(resolver.problems()),
              Contains(StartsWith("Node/a: pod prefix 172.16.0.0/16 is left out")));
  // It gets what those who held it give up.
  (void)resolver.apply({.nodes = {{"worker1", std::nullopt}}, .policies = {}});
  EXPECT_THAT(lines(resolver.forwarding(), "route fdfb:af47:32af::40/122"),
              ElementsAre("route fdfb:af47:32af::40/122 fd11::1000 plain IPv6"));
}

TEST(Resolver, APolicyThatComesLaterDoesNotTakeABindingSid) {
  auto intent = testbed();
  auto gold = policy("gold", "worker2", 94, {path("p", 100, {list({"r6"})})});
  gold.binding_sid = srv6::Sid::parse("cafe::1").value();
  add(intent, gold);
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  const auto sids = resolver.forwarding().local_sids;
  auto intruder = policy("a", "worker1", 95, {path("p", 100, {list({"r8"})})});
  intruder.binding_sid = gold.binding_sid;
  (void)resolver.apply({.nodes = {}, .policies = {{intruder.key, intruder}}});
  EXPECT_EQ(resolver.forwarding().local_sids, sids);
}

TEST(Resolver, KeepsTheInstalledCandidatePathInATie) {
  auto intent = testbed();
  auto a = policy("a", "worker2", 94, {path("p", 100, {list({"r6"})})});
  auto b = policy("b", "worker2", 94, {path("p", 100, {list({"r8"})})});
  a.paths[0].key.originator.asn = 7;
  b.paths[0].key.originator.asn = 5;
  add(intent, a);
  Resolver resolver(Settings{.node = "master"});
  (void)resolver.apply(all_of(intent));
  EXPECT_TRUE(resolver.apply({.nodes = {}, .policies = {{b.key, b}}}).empty());
  EXPECT_FALSE(resolver.apply({.nodes = {}, .policies = {{a.key, std::nullopt}}}).empty());
}

}  // namespace
}  // namespace sextant::overlay
