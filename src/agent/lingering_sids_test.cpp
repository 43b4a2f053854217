#include "agent/lingering_sids.h"

#include <gtest/gtest.h>

#include "agent/example_intent.h"
#include "agent/reconciler.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;

/// A node that has been told another locator.
class LingeringSidsTest : public ::testing::Test {
 protected:
  LingeringSidsTest() {
    auto owned = std::make_unique<dataplane::FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(overlay::Settings{.node = "worker1"}, std::move(owned));
    reconciler_->take(example::nodes());
    reconciler_->begin();
    before_ = fake_->installed().local_sids;
    told_ = Clock::now();
    move("worker1", "fcdd:0:0:66aa::/64");
  }
  void move(const std::string& node, const char* locator) {
    overlay::IntentChange change;
    auto moved = node == "worker1" ? example::worker1() : example::worker2();
    moved.locator = srv6::Locator::parse(locator).value();
    change.nodes[node] = moved;
    reconciler_->take(change);
  }
  [[nodiscard]] bool has_old() const {
    return std::ranges::all_of(before_, [this](const auto& each) {
      const auto& now = fake_->installed().local_sids;
      return now.contains(each.first) && now.at(each.first) == each.second;
    });
  }
  dataplane::FakeDataplane* fake_ = nullptr;
  std::optional<Reconciler> reconciler_;
  std::map<srv6::Sid, overlay::LocalSid> before_;
  Clock::time_point told_;
};

TEST_F(LingeringSidsTest, SidsOfTheFormerLocatorStayForAWhileBesideTheNewOnes) {
  ASSERT_FALSE(before_.empty());
  EXPECT_TRUE(has_old());
  EXPECT_EQ(fake_->installed().local_sids.size(), 2 * before_.size());
  ASSERT_TRUE(reconciler_->lingering_until());
  reconciler_->expire_lingering(told_ + LingeringSids::kLong - milliseconds(1));
  EXPECT_TRUE(has_old()) << "too early";
  reconciler_->expire_lingering(*reconciler_->lingering_until());
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
  EXPECT_FALSE(reconciler_->lingering_until());
}

TEST_F(LingeringSidsTest, ARepairKeepsThem) {
  reconciler_->reconcile(Reason::kDamage);
  EXPECT_TRUE(has_old());
}

TEST_F(LingeringSidsTest, TheyAreWantedAgainWhenTheLocatorComesBack) {
  move("worker1", "fcdd:0:0:11aa::/64");
  EXPECT_TRUE(has_old());
  reconciler_->expire_lingering(told_ + 3 * LingeringSids::kLong);
  EXPECT_TRUE(has_old());
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
}

TEST_F(LingeringSidsTest, TheyGoAtOnceWhereAnotherNodeGetsTheLocator) {
  move("worker2", "fcdd:0:0:11aa::/64");
  EXPECT_FALSE(has_old());
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
}

TEST_F(LingeringSidsTest, TheyGoAtOnceWithTheNode) {
  overlay::IntentChange change;
  change.nodes["worker1"] = std::nullopt;
  reconciler_->take(change);
  EXPECT_EQ(fake_->installed(), reconciler_->resolver().forwarding());
}

TEST_F(LingeringSidsTest, ABindingSidGoesWithItsPolicy) {
  reconciler_->take(example::change_of(example::gold()));
  const auto binding = srv6::Sid::parse("cafe::185").value();
  ASSERT_TRUE(fake_->installed().local_sids.contains(binding));
  overlay::IntentChange change;
  change.policies[example::gold().key] = std::nullopt;
  reconciler_->take(change);
  EXPECT_FALSE(fake_->installed().local_sids.contains(binding));
}

}  // namespace
}  // namespace sextant::agent
