#include "agent/pace.h"

#include <gtest/gtest.h>

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToAMinuteAndStartsAnewAfterReset) {
  Backoff backoff;
  for (const auto expected : {1, 2, 4, 8, 16, 32, 60, 60})
    EXPECT_EQ(backoff.next(milliseconds(1)), seconds(expected));
  backoff.reset();
  EXPECT_EQ(backoff.next(milliseconds(1)), seconds(1));
}

TEST(Backoff, GivesACostlyRetryAtMostATenthOfTheTime) {
  Backoff backoff;
  EXPECT_EQ(backoff.next(seconds(3)), seconds(30));
  EXPECT_EQ(backoff.next(milliseconds(1)), seconds(2));
}

constexpr RepairPace::Limits kLimits{
    .burst = 3, .shortest = milliseconds(100), .longest = milliseconds(800), .quiet = seconds(10)};
constexpr Clock::time_point kStart{seconds(1000)};

TEST(RepairPace, LetsABurstPassThenOneInAnIntervalThatDoublesWhileThereIsMore) {
  RepairPace pace(kLimits);
  const milliseconds cost(1);
  auto now = kStart;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(pace.is_storm());
    EXPECT_EQ(pace.take(now, cost), milliseconds(0)) << i;
  }
  EXPECT_TRUE(pace.is_storm());
  for (const int interval : {100, 200, 400, 800, 800}) {
    EXPECT_EQ(pace.take(now, cost), milliseconds(interval));
    EXPECT_EQ(pace.take(now + milliseconds(60), cost), milliseconds(interval - 60));
    now += milliseconds(interval);
    EXPECT_EQ(pace.take(now, cost), milliseconds(0));
  }
}

TEST(RepairPace, IsFasterAgainWhereNobodyHadToWait) {
  RepairPace pace(kLimits);
  const milliseconds cost(1);
  auto now = kStart;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(pace.take(now, cost), milliseconds(0));
  for (const int interval : {100, 200}) {
    ASSERT_EQ(pace.take(now, cost), milliseconds(interval));
    now += milliseconds(interval);
    ASSERT_EQ(pace.take(now, cost), milliseconds(0));
  }
  for (int i = 0; i < 2; ++i) {  // halved to 200, to 100 ms
    now += seconds(1);
    ASSERT_EQ(pace.take(now, cost), milliseconds(0));
  }
  EXPECT_EQ(pace.take(now, cost), milliseconds(100));
}

TEST(RepairPace, HasItsBurstBackAfterAPause) {
  RepairPace pace(kLimits);
  const milliseconds cost(1);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(pace.take(kStart, cost), milliseconds(0));
  ASSERT_GT(pace.take(kStart, cost), milliseconds(0));
  const auto later = kStart + seconds(10);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.take(later, cost), milliseconds(0));
  EXPECT_EQ(pace.take(later, cost), milliseconds(100));
}

TEST(RepairPace, SpacesCostlyRepairsByTheirCost) {
  RepairPace pace(kLimits);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(pace.take(kStart, seconds(2)), seconds(0));
  EXPECT_EQ(pace.take(kStart, seconds(2)), seconds(2));
}

}  // namespace
}  // namespace sextant::agent
