#include "agent/reconciler.h"

#include <gtest/gtest.h>

#include "agent/example_intent.h"
#include "agent/views.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

using dataplane::ApplyProblem;
using dataplane::FakeDataplane;

const Error kConflict{"add route", "172.16.2.0/26", "File exists (EEXIST)", "remove the other one"};
const Error kNoPrivilege{"open", "netlink", "Operation not permitted (EPERM)"};

class ReconcilerTest : public ::testing::Test {
 protected:
  ReconcilerTest() {
    auto owned = std::make_unique<FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(overlay::Settings{.node = "worker1"}, std::move(owned));
  }
  FakeDataplane* fake_ = nullptr;
  std::optional<Reconciler> reconciler_;
};

TEST_F(ReconcilerTest, ReconcilesAtTheBeginningAndAppliesDifferencesAfterwards) {
  reconciler_->take(example::nodes());
  EXPECT_TRUE(fake_->calls().empty()) << "before it begins, nothing is touched";
  reconciler_->begin();
  ASSERT_EQ(fake_->reconciles(), 1U);
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());

  reconciler_->take(example::change_of(example::gold()));
  ASSERT_EQ(fake_->applies(), 1U);
  EXPECT_EQ(fake_->reconciles(), 1U);
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
  EXPECT_EQ(reconciler_->last_apply()->kind, "apply");
  EXPECT_GT(reconciler_->last_apply()->writes, 0U);
}

TEST_F(ReconcilerTest, AdoptsWhatAnEarlierAgentLeftWithNoWrite) {
  reconciler_->take(example::nodes());
  fake_->leave(reconciler_->resolver().forwarding());
  reconciler_->begin();
  EXPECT_EQ(reconciler_->last_apply()->writes, 0U);
}

TEST_F(ReconcilerTest, BeginsOnce) {
  reconciler_->begin();
  reconciler_->begin();
  EXPECT_EQ(fake_->reconciles(), 1U);
}

TEST_F(ReconcilerTest, LeavesTheDataPlaneAloneWhereAChangeMeansNothingForThisNode) {
  reconciler_->take(example::nodes());
  reconciler_->begin();
  auto labelled = example::worker2();
  labelled.labels["rack"] = "7";
  overlay::IntentChange change;
  change.nodes["worker2"] = labelled;
  reconciler_->take(change);
  EXPECT_EQ(fake_->applies(), 0U);
}

TEST_F(ReconcilerTest, KeepsApplyProblemsUntilAReconcileWorks) {
  reconciler_->take(example::nodes());
  fake_->report_problems({ApplyProblem{"route 172.16.2.0/26", kConflict}});
  reconciler_->begin();
  EXPECT_TRUE(reconciler_->wants_retry());
  ASSERT_EQ(reconciler_->apply_problems().size(), 1U);

  fake_->report_problems({});
  reconciler_->take(example::change_of(example::gold()));
  EXPECT_EQ(reconciler_->apply_problems().size(), 1U) << "an apply does not look at old problems";
  reconciler_->reconcile(Reason::kRetry);
  EXPECT_TRUE(reconciler_->apply_problems().empty());
  EXPECT_FALSE(reconciler_->wants_retry());
}

TEST_F(ReconcilerTest, KeepsTheNewestProblemOfAnObject) {
  reconciler_->take(example::nodes());
  reconciler_->begin();
  fake_->report_problems({ApplyProblem{"route a", kConflict}});
  reconciler_->take(example::change_of(example::gold("fcff:6::1")));
  fake_->report_problems(
      {ApplyProblem{"route a", kNoPrivilege}, ApplyProblem{"route b", kConflict}});
  reconciler_->take(example::change_of(example::gold("fcff:7::1")));
  const auto& problems = reconciler_->apply_problems();
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].error, kNoPrivilege);
  EXPECT_EQ(problems[1].object, "route b");
}

TEST_F(ReconcilerTest, ReconcilesInsteadOfApplyingAfterAFailure) {
  reconciler_->take(example::nodes());
  reconciler_->begin();
  fake_->fail_with(kNoPrivilege);
  reconciler_->take(example::change_of(example::gold()));
  EXPECT_EQ(reconciler_->failure(), kNoPrivilege);
  EXPECT_TRUE(reconciler_->wants_retry());

  fake_->fail_with(std::nullopt);
  reconciler_->take(example::change_of(example::gold("fcff:7::1")));
  EXPECT_EQ(fake_->reconciles(), 2U) << "the failed difference is not lost";
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
  EXPECT_FALSE(reconciler_->wants_retry());
}

TEST_F(ReconcilerTest, IsHealthyOnlyWhereEverythingIsApplied) {
  const SourceState good{.kind = "manifests", .place = "/m", .loaded = true};
  const SourceState unread{.kind = "manifests", .place = "/m", .loaded = false};
  EXPECT_EQ(unhealthy_reasons(*reconciler_, unread).size(), 1U);
  const SourceState waiting{.kind = "kubernetes", .place = "https://k", .obstacle = "BGP waits"};
  EXPECT_EQ(hold_reason(waiting, "master"), "BGP waits") << "and not that nothing could be read";
  EXPECT_EQ(unhealthy_reasons(*reconciler_, good).size(), 1U) << "held";
  reconciler_->begin();
  EXPECT_TRUE(unhealthy_reasons(*reconciler_, good).empty());
  fake_->report_problems(std::vector<ApplyProblem>(100, {"route a", kConflict}));
  reconciler_->reconcile(Reason::kDamage);
  const auto reasons = unhealthy_reasons(*reconciler_, good);
  EXPECT_EQ(reasons.size(), 11U) << "a long list is cut";
  EXPECT_NE(reasons.front().find("EEXIST"), std::string::npos);
}

}  // namespace
}  // namespace sextant::agent
