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

TEST(RateLimit, LetsABurstPassThenOneAnInterval) {
  RateLimit limit(3, milliseconds(100));
  const Clock::time_point now{seconds(1000)};
  const milliseconds cost(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take(now, cost), milliseconds(0)) << i;
  EXPECT_EQ(limit.take(now, cost), milliseconds(100));
  EXPECT_EQ(limit.take(now + milliseconds(60), cost), milliseconds(40));
  EXPECT_EQ(limit.take(now + milliseconds(100), cost), milliseconds(0));
  EXPECT_GT(limit.take(now + milliseconds(100), cost), milliseconds(0));
}

TEST(RateLimit, IsQuietAgainAfterAPause) {
  RateLimit limit(2, milliseconds(100));
  Clock::time_point now{seconds(1000)};
  while (limit.take(now, milliseconds(1)) == milliseconds(0)) {
  }
  now += seconds(10);
  EXPECT_EQ(limit.take(now, milliseconds(1)), milliseconds(0));
  EXPECT_EQ(limit.take(now, milliseconds(1)), milliseconds(0));
  EXPECT_GT(limit.take(now, milliseconds(1)), milliseconds(0));
}

TEST(RateLimit, SpacesCostlyActionsByTheirCost) {
  RateLimit limit(1, milliseconds(100));
  const Clock::time_point now{seconds(1000)};
  EXPECT_EQ(limit.take(now, seconds(2)), seconds(0));
  EXPECT_EQ(limit.take(now, seconds(2)), seconds(2));
}

}  // namespace
}  // namespace sextant::agent
