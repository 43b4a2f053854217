#include "agent/bgp_outcomes.h"

#include <gtest/gtest.h>

#include "agent/example_intent.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

/// worker1 with a policy of BGP towards worker2.
class BgpOutcomesTest : public ::testing::Test {
 protected:
  BgpOutcomesTest() {
    auto owned = std::make_unique<dataplane::FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(overlay::Settings{.node = "worker1"}, std::move(owned));
    reconciler_->take(example::nodes());
    policy_ = example::gold();
    policy_.key = {"BGP", "4:100:fd12::1000"};
    policy_.headend = {};
    policy_.endpoint = example::address("fd12::1000");
    policy_.paths.front().key.origin = srv6::kOriginBgp;
  }
  bgp_source::PathOutcome outcome(const char* name = "4:100:fd12::1000") {
    const auto all = make_bgp_outcomes(*reconciler_);
    const auto found = all.find(name);
    EXPECT_NE(found, all.end());
    return found == all.end() ? bgp_source::PathOutcome{} : found->second;
  }

  dataplane::FakeDataplane* fake_ = nullptr;
  std::optional<Reconciler> reconciler_;
  overlay::Policy policy_;
};

TEST_F(BgpOutcomesTest, FollowThePolicyFromTheStartToForwarding) {
  reconciler_->take(example::change_of(policy_));
  EXPECT_EQ(outcome(), (bgp_source::PathOutcome{.reason = "the agent has not begun to forward"}));
  reconciler_->begin();
  EXPECT_EQ(outcome(), (bgp_source::PathOutcome{.evaluated = true, .valid = true, .active = true}));

  auto better = example::gold("fcff:7::1");
  better.paths.front().preference = 200;
  reconciler_->take(example::change_of(better));
  const auto second = outcome();
  EXPECT_TRUE(second.valid);
  EXPECT_FALSE(second.active);
  EXPECT_NE(second.reason.find("SRv6Policy/gold is preferred"), std::string::npos) << second.reason;
  EXPECT_EQ(make_bgp_outcomes(*reconciler_).size(), 1U) << "of BGP only";
}

TEST_F(BgpOutcomesTest, SayWhyNot) {
  reconciler_->begin();
  // It ends at worker1, not at its endpoint.
  policy_.paths.front().lists.front().segments = {srv6::Sid::parse("fcdd:0:0:11aa:12::").value()};
  reconciler_->take(example::change_of(policy_));
  const auto invalid = outcome();
  EXPECT_TRUE(invalid.evaluated);
  EXPECT_FALSE(invalid.valid);
  EXPECT_NE(invalid.reason.find("segment list 1"), std::string::npos) << invalid.reason;

  auto here = policy_;
  here.key.name = "5:100:fd11::1000";
  here.endpoint = example::address("fd11::1000");
  reconciler_->take(example::change_of(here));
  EXPECT_TRUE(outcome("5:100:fd11::1000").leads_here);

  fake_->fail_with(Error{"open", "netlink", "not permitted"});
  auto good = example::gold();
  good.key = {"BGP", "6:100:fd12::1000"};
  reconciler_->take(example::change_of(good));
  const auto unprogrammed = outcome("6:100:fd12::1000");
  EXPECT_TRUE(unprogrammed.valid);
  EXPECT_FALSE(unprogrammed.active);
  EXPECT_NE(unprogrammed.reason.find("not permitted"), std::string::npos) << unprogrammed.reason;
}

// One to the null endpoint is there once for each next hop that it serves.
TEST_F(BgpOutcomesTest, CountOnceForAllNextHopsOfAColor) {
  reconciler_->begin();
  auto copy = policy_;
  copy.key.name = "4:100::: for fd12::1000";
  reconciler_->take(example::change_of(copy));
  auto nowhere = copy;
  nowhere.key.name = "4:100::: for fd11::1000";
  nowhere.endpoint = example::address("fd11::1000");
  reconciler_->take(example::change_of(nowhere));
  EXPECT_TRUE(outcome("4:100:::").active);
}

}  // namespace
}  // namespace sextant::agent
