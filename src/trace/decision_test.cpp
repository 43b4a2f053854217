#include "trace/decision.h"

#include <gtest/gtest.h>

namespace sextant::trace {
namespace {

using overlay::Intent;
using overlay::Node;
using overlay::Policy;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

Node node(const std::string& name, const char* address, const char* locator,
          std::vector<const char*> pods) {
  Node made{
      .name = name, .addresses = {ip(address)}, .locator = srv6::Locator::parse(locator).value()};
  for (const char* prefix : pods)
    made.pod_prefixes.push_back({.prefix = IpPrefix::parse(prefix).value()});
  return made;
}

Policy policy(const char* name, const char* headend, const char* endpoint, std::uint32_t color,
              std::vector<std::pair<const char*, std::uint32_t>> paths) {
  Policy made{.key = {"SRv6Policy", name},
              .headend = {.names = {headend}},
              .endpoint = std::string(endpoint),
              .color = {color}};
  std::uint32_t discriminator = 0;
  for (const auto& [via, preference] : paths)
    made.paths.push_back({.key = {.discriminator = ++discriminator},
                          .preference = preference,
                          .lists = {{.segments = {sid(via)}}}});
  return made;
}

class DecisionTest : public ::testing::Test {
 protected:
  DecisionTest() {
    overlay::IntentChange change;
    change.nodes["a"] = node("a", "fd10::1", "fcdd:0:0:a::/64", {"10.1.0.0/24", "fd01::/64"});
    change.nodes["b"] = node("b", "fd10::2", "fcdd:0:0:b::/64", {"10.2.0.0/24", "fd02::/64"});
    change.nodes["six"] = node("six", "fd10::3", "fcdd:0:0:c::/64", {"fd03::/64"});
    change.nodes["r1"] = Node{.name = "r1", .sids = {.end = sid("fcff:1::1")}};
    (void)resolver_.apply(change);
  }
  void take(Policy policy) {
    overlay::IntentChange change;
    const auto key = policy.key;
    change.policies[key] = std::move(policy);
    (void)resolver_.apply(change);
  }
  Result<Decisions> ask(const char* from, const char* to, std::optional<Family> family = {}) {
    return decide(resolver_, settings_, from, to, family);
  }
  std::string error(const char* from, const char* to, std::optional<Family> family = {}) {
    const auto answer = ask(from, to, family);
    return answer ? "no error" : answer.error().message();
  }

  overlay::Settings settings_{.node = "a"};
  overlay::Resolver resolver_{settings_};
};

TEST_F(DecisionTest, WithoutPolicyBothDirectionsTakeThePlainPath) {
  const auto answer = ask("10.1.0.7", "10.2.0.9");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->source, (Party{ip("10.1.0.7"), "a", true}));
  EXPECT_EQ(answer->destination, (Party{ip("10.2.0.9"), "b", true}));
  const auto& forward = answer->forward;
  EXPECT_EQ(forward.headend, "a");
  EXPECT_EQ(forward.outcome, Outcome::kPath);
  EXPECT_FALSE(forward.policy);
  EXPECT_EQ(forward.reason, "no policy for IPv4 towards it");
  EXPECT_EQ(forward.encapsulation_source, ip("fd10::1").v6());
  EXPECT_EQ(forward.route->prefix.to_string(), "10.2.0.0/24");
  ASSERT_EQ(forward.lists.size(), 1U);
  EXPECT_EQ(forward.lists[0].segments, std::vector{sid("fcdd:0:0:b:13::")});
  EXPECT_EQ(answer->reverse.headend, "b");
  EXPECT_EQ(answer->reverse.encapsulation_source, ip("fd10::2").v6());
  EXPECT_EQ(answer->reverse.lists.at(0).segments, std::vector{sid("fcdd:0:0:a:13::")});
}

TEST_F(DecisionTest, EachDirectionHasThePolicyOfItsOwnHeadend) {
  take(policy("there", "a", "b", 100, {{"fcff:1::1", 100}}));
  take(policy("back", "b", "a", 200, {{"fcff:1::1", 100}, {"fcff:2::1", 200}}));
  const auto answer = ask("10.1.0.7", "10.2.0.9").value();
  EXPECT_EQ(answer.forward.path->color, srv6::Color{100});
  EXPECT_EQ(answer.forward.reason, "the only policy for IPv4 towards it");
  EXPECT_EQ(answer.forward.candidate_reason, "the only candidate path");
  EXPECT_EQ(answer.reverse.path->color, srv6::Color{200});
  EXPECT_EQ(answer.reverse.candidate_reason, "the highest preference of 2 candidate paths");
  EXPECT_EQ(answer.reverse.lists.at(0).segments.front(), sid("fcff:2::1"));
}

TEST_F(DecisionTest, SaysWhyOneOfSeveralPoliciesWon) {
  take(policy("low", "a", "b", 1, {{"fcff:1::1", 100}}));
  take(policy("high", "a", "b", 2, {{"fcff:2::1", 200}}));
  EXPECT_EQ(ask("10.1.0.7", "10.2.0.9")->forward.reason,
            "the highest preference of 2 valid policies");
  take(policy("high", "a", "b", 2, {{"fcff:2::1", 100}}));
  const auto tie = ask("10.1.0.7", "10.2.0.9").value();
  EXPECT_EQ(tie.forward.path->color, srv6::Color{1});
  EXPECT_EQ(tie.forward.reason, "the lowest color at the highest preference of 2 valid policies");
}

TEST_F(DecisionTest, ThePrefixsColorComesFirst) {
  take(policy("low", "a", "b", 1, {{"fcff:1::1", 100}}));
  take(policy("high", "a", "b", 2, {{"fcff:2::1", 200}}));
  overlay::IntentChange change;
  auto colored = node("b", "fd10::2", "fcdd:0:0:b::/64", {"10.2.0.0/24", "fd02::/64"});
  colored.pod_prefixes[0].color = srv6::Color{1};
  colored.pod_prefixes[1].color = srv6::Color{7};
  change.nodes["b"] = colored;
  (void)resolver_.apply(change);
  EXPECT_EQ(ask("10.1.0.7", "10.2.0.9")->forward.path->color, srv6::Color{1});
  EXPECT_EQ(ask("10.1.0.7", "10.2.0.9")->forward.reason, "the prefix has color 1");
  EXPECT_EQ(ask("fd01::7", "fd02::9")->forward.reason,
            "the prefix has color 7, and no policy of that color is valid");
}

TEST_F(DecisionTest, ToldToDropItDropsAndOtherwiseFallsBackToThePlainPath) {
  auto bad = policy("bad", "a", "b", 1, {{"fcdd:0:0:c:1::", 100}});  // ends at another node
  take(bad);
  const auto plain = ask("10.1.0.7", "10.2.0.9").value();
  EXPECT_TRUE(plain.forward.reason.starts_with(
      "its only policy is not valid; SRv6Policy/bad: segment list 1: "))
      << plain.forward.reason;
  EXPECT_EQ(ask("10.1.0.7", "10.2.0.9")->forward.outcome, Outcome::kPath);
  bad.fallback = overlay::Fallback::kDrop;
  take(bad);
  const auto drop = ask("10.1.0.7", "10.2.0.9").value();
  EXPECT_EQ(drop.forward.outcome, Outcome::kDrop);
  EXPECT_NE(drop.forward.reason.find("SRv6Policy/bad: segment list 1: "), std::string::npos)
      << drop.forward.reason;
  EXPECT_EQ(ask("10.1.0.7", "10.2.0.9")->reverse.outcome, Outcome::kPath);
}

TEST_F(DecisionTest, PodsOfOneNodeNeedNoTunnel) {
  const auto answer = ask("10.1.0.7", "10.1.0.8").value();
  EXPECT_EQ(answer.forward.outcome, Outcome::kLocal);
  EXPECT_EQ(answer.reverse.outcome, Outcome::kLocal);
}

TEST_F(DecisionTest, NamesOfNodesStandForTheirOverlayAddresses) {
  const auto four = ask("a", "b").value();
  EXPECT_EQ(four.source, (Party{ip("10.1.0.1"), "a", false}));
  EXPECT_EQ(four.destination, (Party{ip("10.2.0.1"), "b", false}));
  EXPECT_EQ(four.forward.outcome, Outcome::kPath);
  EXPECT_EQ(ask("a", "b", Family::kIpv6)->source.address, ip("fd01::1"));
  EXPECT_EQ(ask("a", "fd02::9")->source.address, ip("fd01::1")) << "the other's family";
  EXPECT_EQ(ask("a", "six")->source.address, ip("fd01::1")) << "the only family of one of them";
}

TEST_F(DecisionTest, ANodesOwnAddressIsReachedByPodsOnly) {
  EXPECT_EQ(ask("fd01::9", "fd10::2")->forward.outcome, Outcome::kPath);
  const auto own = ask("a", "fd10::2").value();
  EXPECT_EQ(own.forward.outcome, Outcome::kNoRoute);
  EXPECT_NE(own.forward.reason.find("through the underlay"), std::string::npos);
}

TEST_F(DecisionTest, RefusesWhatIsNotInTheOverlay) {
  EXPECT_NE(error("10.1.0.7", "192.0.2.1").find("192.0.2.1: it lies in no pod prefix"),
            std::string::npos);
  EXPECT_NE(error("nobody", "b").find("neither an address nor the name of a node"),
            std::string::npos);
  EXPECT_NE(error("r1", "b").find("r1: it has no pod prefixes"), std::string::npos);
  EXPECT_NE(error("10.1.0.7", "fd02::9").find("fd02::9 is not IPv4"), std::string::npos);
  EXPECT_NE(error("10.1.0.7", "b", Family::kIpv6).find("10.1.0.7 is not IPv6"), std::string::npos);
  EXPECT_NE(error("a", "six", Family::kIpv4).find("no IPv4 pod prefix"), std::string::npos);
  EXPECT_NE(error("10.1.0.7", "10.1.0.7").find("one and the same"), std::string::npos);
}

}  // namespace
}  // namespace sextant::trace
