#include "agent/node_report.h"

#include <gtest/gtest.h>

#include "agent/example_intent.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

using dataplane::ApplyProblem;
using dataplane::FakeDataplane;

const Error kConflict{"add", "it", "File exists (EEXIST)"};

class NodeReportTest : public ::testing::Test {
 protected:
  NodeReportTest() {
    auto owned = std::make_unique<FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(overlay::Settings{.node = "worker1"}, std::move(owned));
    context_.locator_origin = kubernetes::LocatorOrigin::kClaim;
    context_.version = [](const auto&) {
      return kubernetes::ObjectVersion{.uid = "1a2b3c4d-0", .generation = 2};
    };
    context_.fault = [this](const auto&) { return fault_; };
  }
  void begin() {
    reconciler_->take(example::nodes());
    reconciler_->begin();
  }
  [[nodiscard]] kubernetes::NodeStatus status() const {
    return make_node_status(*reconciler_, context_);
  }
  [[nodiscard]] kubernetes::PolicyReport gold() const {
    const auto found = status();
    EXPECT_EQ(found.policies.size(), 1U);
    return found.policies.empty() ? kubernetes::PolicyReport{} : found.policies.front();
  }
  [[nodiscard]] std::string ready() const {
    const auto found = status();
    return find_condition(found.conditions, "Ready")->reason;
  }

  FakeDataplane* fake_ = nullptr;
  std::optional<Reconciler> reconciler_;
  ReportContext context_;
  std::string fault_;
};

TEST_F(NodeReportTest, TellsWhatTheNodeIs) {
  begin();
  const auto found = status();
  EXPECT_EQ(found.locator, "fcdd:0:0:11aa::/64");
  EXPECT_EQ(found.locator_origin, kubernetes::LocatorOrigin::kClaim);
  EXPECT_EQ(found.encapsulation_source, "fd11::1000");
  EXPECT_EQ(found.addresses, std::vector<std::string>{"fd11::1000"});
  EXPECT_EQ(found.pod_prefixes.size(), 2U);
  EXPECT_EQ(found.overlay_addresses.size(), 2U);
  EXPECT_EQ(found.encapsulation, "H.Encaps");
  EXPECT_FALSE(found.sids.empty());
  EXPECT_EQ(ready(), "Forwarding");
  EXPECT_EQ(find_condition(found.conditions, "LocatorAssigned")->reason, "SRv6Locator");
}

TEST_F(NodeReportTest, AProgrammedPolicyNamesItsActivePathAndGeneration) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  const auto report = gold();
  EXPECT_TRUE(report.programmed) << report.reason << " " << report.message;
  EXPECT_EQ(report.reason, "Programmed");
  EXPECT_EQ(report.active_path, "north");
  EXPECT_EQ(report.version.generation, 2);
  EXPECT_EQ(report.endpoint, "fd12::1000");
  EXPECT_EQ(report.endpoint_node, "worker2");
  EXPECT_EQ(report.families.size(), 2U);
}

TEST_F(NodeReportTest, APolicyIsNotProgrammedBeforeTheFirstReconcile) {
  reconciler_->take(example::nodes());
  reconciler_->take(example::change_of(example::gold()));
  EXPECT_EQ(gold().reason, "Waiting");
  EXPECT_EQ(ready(), "Waiting");
}

TEST_F(NodeReportTest, SaysWhyAPolicyIsNotProgrammed) {
  begin();
  auto policy = example::gold("fcdd:0:0:11aa::1");  // its own locator is no way to worker2
  policy.endpoint = std::string("worker9");
  reconciler_->take(example::change_of(policy));
  EXPECT_EQ(gold().reason, "Rejected");
  EXPECT_NE(gold().message.find("worker9"), std::string::npos) << gold().message;

  policy = example::gold();
  policy.paths[0].lists[0].segments = {std::string("nobody")};
  reconciler_->take(example::change_of(policy));
  EXPECT_EQ(gold().reason, "NoValidPath");
  EXPECT_NE(gold().message.find("nobody"), std::string::npos) << gold().message;

  reconciler_->take(example::change_of(example::gold()));
  fault_ = "spec.color: 0 is not a color";
  EXPECT_EQ(gold().reason, "Invalid");
  EXPECT_FALSE(gold().programmed);
}

TEST_F(NodeReportTest, APolicyThatAnotherObjectOutranksIsNotActive) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  auto better = example::gold("fcff:7::1");
  better.key.name = "platinum";
  better.binding_sid.reset();
  better.paths[0].preference = 200;
  reconciler_->take(example::change_of(better));
  const auto found = status();
  ASSERT_EQ(found.policies.size(), 2U);
  EXPECT_EQ(found.policies[0].reason, "NotActive");
  EXPECT_NE(found.policies[0].message.find("SRv6Policy/platinum"), std::string::npos);
  EXPECT_TRUE(found.policies[1].programmed) << found.policies[1].message;
}

TEST_F(NodeReportTest, APolicyWithoutAValidPathSaysThatAlsoWhereAnotherObjectIsActive) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  auto worse = example::gold();
  worse.key.name = "platinum";
  worse.binding_sid.reset();
  worse.paths[0].lists[0].segments = {std::string("nobody")};
  reconciler_->take(example::change_of(worse));
  const auto found = status();
  ASSERT_EQ(found.policies.size(), 2U);
  EXPECT_EQ(found.policies[1].reason, "NoValidPath");
  EXPECT_NE(found.policies[1].message.find("nobody"), std::string::npos)
      << found.policies[1].message;
  EXPECT_TRUE(found.policies[0].programmed) << found.policies[0].message;
}

TEST_F(NodeReportTest, ADataPlaneProblemHitsThePolicyThatItIsAbout) {
  begin();
  reconciler_->take(example::change_of(example::gold()));
  fake_->report_problems({ApplyProblem{"route 172.16.99.0/26", kConflict}});
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_TRUE(gold().programmed) << "somebody else's route";
  EXPECT_EQ(ready(), "PartlyProgrammed");
  EXPECT_TRUE(make_progress(*reconciler_, false, "").forwards) << "other pods have their network";

  fake_->report_problems({ApplyProblem{"path fd12::1000 color 100 IPv4", kConflict}});
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_EQ(gold().reason, "DataPlane");

  fake_->report_problems({ApplyProblem{"gateway", kConflict}});
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_EQ(gold().reason, "DataPlane") << "nothing passes without it";
  EXPECT_FALSE(make_progress(*reconciler_, false, "").forwards);
  EXPECT_EQ(ready(), "NotForwarding");

  fake_->fail_with(kConflict);
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_EQ(gold().reason, "DataPlane");
  EXPECT_EQ(ready(), "DataPlaneFailed");
}

TEST_F(NodeReportTest, LeavesOutPoliciesThatAreNotThisHeadends) {
  begin();
  auto elsewhere = example::gold();
  elsewhere.headend.names = {"worker2"};
  reconciler_->take(example::change_of(elsewhere));
  EXPECT_TRUE(status().policies.empty());
  auto to_itself = example::gold();
  to_itself.headend = {};
  to_itself.endpoint = std::string("worker1");
  reconciler_->take(example::change_of(to_itself));
  EXPECT_TRUE(status().policies.empty());
  to_itself.endpoint = example::address("fd11::1000");
  reconciler_->take(example::change_of(to_itself));
  EXPECT_TRUE(status().policies.empty());
}

TEST_F(NodeReportTest, ANodeWithoutLocatorSaysWhoCanGiveOne) {
  auto nodes = example::nodes();
  nodes.nodes["worker1"]->locator.reset();
  reconciler_->take(nodes);
  reconciler_->begin();
  context_.no_locator_reason = "PoolExhausted";
  context_.no_locator_message = "pool fcbb::/44 has no free block of /48";
  const auto found = status();
  EXPECT_EQ(find_condition(found.conditions, "LocatorAssigned")->reason, "PoolExhausted");
  EXPECT_EQ(found.locator_origin, kubernetes::LocatorOrigin::kNone);
  EXPECT_FALSE(make_progress(*reconciler_, false, "").forwards);
}

TEST_F(NodeReportTest, ForwardsOnlyWhenItsOwnSidsAreThere) {
  reconciler_->take(example::nodes());
  EXPECT_FALSE(make_progress(*reconciler_, true, "").forwards);
  EXPECT_TRUE(make_progress(*reconciler_, true, "").stood);
  reconciler_->begin();
  EXPECT_TRUE(make_progress(*reconciler_, true, "").forwards);
  EXPECT_FALSE(make_progress(*reconciler_, true, "held").forwards);
  fake_->report_problems({ApplyProblem{"SID fcdd:0:0:11aa:14::", kConflict}});
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_FALSE(make_progress(*reconciler_, true, "").forwards);
}

}  // namespace
}  // namespace sextant::agent
