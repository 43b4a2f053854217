#include "common/statistics.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/rotation.h"

namespace sextant::bench {
namespace {

TEST(Statistics, MedianIsTheMiddleOneInWhateverOrder) {
  EXPECT_EQ(median(std::vector<double>{7}), 7);
  EXPECT_EQ(median(std::vector<double>{9, 1, 5}), 5);
  EXPECT_EQ(median(std::vector<double>{1, 9, 5}), 5);
}

TEST(Statistics, MedianOfAnEvenCountLiesBetweenTheTwoMiddleOnes) {
  EXPECT_EQ(median(std::vector<double>{4, 1, 2, 100}), 3);
}

TEST(Statistics, PercentilesReachFromTheLowestToTheHighest) {
  std::vector<double> values;
  for (int i = 0; i <= 1000; ++i) values.push_back(1000 - i);
  EXPECT_EQ(percentile(values, 0), 0);
  EXPECT_EQ(percentile(values, 99), 990);
  EXPECT_EQ(percentile(values, 100), 1000);
}

TEST(Statistics, OneOutlierMovesTheSpreadAndNotTheMedian) {
  const auto figure = median_of(std::vector<double>{10, 11, 900, 9, 12});
  EXPECT_EQ(figure.value, 11);
  EXPECT_EQ(figure.lowest, 9);
  EXPECT_EQ(figure.highest, 900);
  EXPECT_EQ(figure.runs, 5U);
}

TEST(Rotation, EveryoneIsFirstInTurn) {
  const std::vector<int> all{1, 2, 3};
  EXPECT_EQ(rotated(all, 0), all);
  EXPECT_EQ(rotated(all, 1), (std::vector<int>{2, 3, 1}));
  EXPECT_EQ(rotated(all, 2), (std::vector<int>{3, 1, 2}));
  EXPECT_EQ(rotated(all, 3), all);
  EXPECT_TRUE(rotated(std::vector<int>{}, 1).empty());
}

}  // namespace
}  // namespace sextant::bench
