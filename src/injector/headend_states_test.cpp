// What headends say over BGP-LS, as reports on policies.
#include "injector/headend_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace sextant::injector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
Ipv4Address ipv4(const char* text) { return Ipv4Address::parse(text).value(); }

const Ipv4Address kSelf = ipv4("10.0.0.99");
const PolicyKey kPolicy{.distinguisher = 4, .color = {94}, .endpoint = ip("fd12::1000")};
constexpr std::uint16_t kInUse = bgp::kPathEvaluated | bgp::kPathValid | bgp::kPathActive;

bgp::PolicyPath path(const char* headend, const char* originator = "10.0.0.99") {
  return {.headend = {.asn = 64512, .router_id = ipv4(headend), .ipv6 = ip("fd10::1").v6()},
          .endpoint = kPolicy.endpoint,
          .color = kPolicy.color,
          .originator_asn = 64512,
          .originator = ip(originator),
          .discriminator = kPolicy.distinguisher};
}

/// A RIB whose own routes stand for those of peers, and its listener.
class HeadendStatesTest : public testing::Test {
 protected:
  std::set<PolicyKey> say(const bgp::PolicyPath& path, const bgp::PolicyPathState& state) {
    bgp::Attributes attributes{.origin = bgp::Origin::kIgp};
    attributes.link_state = bgp::encode(state);
    rib.announce(bgp::kLinkState, rib.link_state_key(bgp::encode(path).bytes), attributes,
                 {.address = ip("fd10::1")});
    return heard();
  }
  std::set<PolicyKey> withdraw(const bgp::PolicyPath& path) {
    rib.withdraw(bgp::kLinkState, rib.link_state_key(bgp::encode(path).bytes));
    return heard();
  }
  std::set<PolicyKey> heard() {
    std::vector<bgp::EntryId> entries;
    queue->take(100, entries);
    std::vector<bgp::RouteChange> changes;
    const auto& table = rib.table(bgp::kLinkState);
    for (const auto entry : entries) {
      changes.push_back({table.key(entry), table.paths(entry), table.has_best(entry)});
    }
    auto changed = states.take(rib, changes);
    for (const auto entry : entries) queue->done(entry);
    return changed;
  }

  bgp::Rib rib{{.local_as = 64512, .router_id = kSelf}};
  std::shared_ptr<bgp::ChangeQueue> queue =
      rib.open_queue(bgp::kLinkState, bgp::ChangeQueue::Interest::kBest);
  HeadendStates states{kSelf};
};

TEST_F(HeadendStatesTest, AreKeptForEachPolicyAndHeadend) {
  EXPECT_THAT(states.reports(kPolicy), IsEmpty());
  EXPECT_THAT(say(path("10.0.0.2"), {.flags = kInUse}), ElementsAre(kPolicy));
  say(path("10.0.0.1"), {.flags = bgp::kPathEvaluated, .reason = "its last SID is another node's"});
  EXPECT_THAT(
      states.reports(kPolicy),
      ElementsAre(HeadendReport{.headend = "10.0.0.1", .reason = "its last SID is another node's"},
                  HeadendReport{.headend = "10.0.0.2", .accepted = true, .active = true}));
  EXPECT_THAT(withdraw(path("10.0.0.1")), ElementsAre(kPolicy));
  EXPECT_EQ(states.reports(kPolicy).size(), 1U);
  withdraw(path("10.0.0.2"));
  EXPECT_THAT(states.reports(kPolicy), IsEmpty());
}

TEST_F(HeadendStatesTest, SayInWordsWhatFlagsSay) {
  const auto reason = [](std::uint16_t flags) {
    return headend_report(path("10.0.0.1"), {.flags = flags}, kSelf).reason;
  };
  EXPECT_EQ(reason(kInUse), "");
  EXPECT_EQ(reason(0), "not evaluated yet");
  EXPECT_EQ(reason(bgp::kPathShut), "administratively down");
  EXPECT_EQ(reason(bgp::kPathEvaluated), "no valid segment list");
  EXPECT_EQ(reason(bgp::kPathEvaluated | bgp::kPathValid),
            "valid, and another candidate path is active");
  const auto accepted =
      headend_report(path("10.0.0.1"), {.flags = bgp::kPathEvaluated | bgp::kPathValid}, kSelf);
  EXPECT_TRUE(accepted.accepted);
  EXPECT_FALSE(accepted.active);
}

TEST_F(HeadendStatesTest, ThatHaveNotJudgedAPathHaveNotRejectedIt) {
  const auto pending = [](std::uint16_t flags) {
    return headend_report(path("10.0.0.1"), {.flags = flags}, kSelf).pending;
  };
  EXPECT_TRUE(pending(0));
  EXPECT_TRUE(pending(bgp::kPathProvisioned));
  EXPECT_FALSE(pending(kInUse));
  EXPECT_FALSE(pending(bgp::kPathEvaluated));
  EXPECT_FALSE(pending(bgp::kPathShut)) << "somebody decided that";
}

TEST_F(HeadendStatesTest, OfPathsThatAreNotOursAreMarkedOrLeftOut) {
  // Another injector sent the same key.
  say(path("10.0.0.1", "10.0.0.98"), {.flags = kInUse});
  EXPECT_EQ(states.reports(kPolicy).at(0).reason, "it has the path from 10.0.0.98");
  say(path("10.0.0.1"), {.flags = kInUse});
  ASSERT_EQ(states.reports(kPolicy).size(), 1U);
  EXPECT_EQ(states.reports(kPolicy).at(0).reason, "");
  // The headend's own configuration; a route of another type; one that says nothing.
  auto configured = path("10.0.0.3");
  configured.origin = bgp::PathOrigin::kConfiguration;
  EXPECT_THAT(say(configured, {.flags = kInUse}), IsEmpty());
  const std::vector<std::uint8_t> other = {0xff, 0xdc, 0, 1, 7};
  rib.announce(bgp::kLinkState, rib.link_state_key(other), {.origin = bgp::Origin::kIgp},
               {.address = ip("fd10::1")});
  EXPECT_THAT(heard(), IsEmpty());
  rib.announce(bgp::kLinkState, rib.link_state_key(bgp::encode(path("10.0.0.4")).bytes),
               {.origin = bgp::Origin::kIgp}, {.address = ip("fd10::1")});
  EXPECT_THAT(heard(), ElementsAre(kPolicy));
  EXPECT_EQ(states.reports(kPolicy).at(1).reason, "not evaluated yet");
}

}  // namespace
}  // namespace sextant::injector
