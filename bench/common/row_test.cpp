#include "common/row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/json.hpp>

namespace sextant::bench {
namespace {

Row against_vxlan() {
  return {
      .bench = "dataplane",
      .name = "udp64-ipv6",
      .unit = "packets/s",
      .better = Better::kMore,
      .ours = {.value = 103400.4, .lowest = 99000, .highest = 104000, .runs = 5},
      .peer = Row::Peer{"vxlan", {.value = 94000, .lowest = 93000, .highest = 95000, .runs = 5}}};
}

TEST(Row, HasTheAgreedFormInJson) {
  EXPECT_EQ(to_json(against_vxlan()),
            R"({"bench":"dataplane","case":"udp64-ipv6","unit":"packets/s","ours":103400,)"
            R"("peer":"vxlan","theirs":94000,"ratio":1.100,"runs":5})");
}

TEST(Row, WithoutAPeerHasNeitherTheirsNorRatio) {
  const Row row{.bench = "resolver",
                .name = "full",
                .unit = "ms",
                .better = Better::kLess,
                .ours = {.value = 41.2345, .runs = 7}};
  EXPECT_EQ(to_json(row),
            R"({"bench":"resolver","case":"full","unit":"ms","ours":41.23,"runs":7})");
  EXPECT_FALSE(ratio(row));
}

TEST(Row, RatioAboveOneIsInOurFavourWhateverTheUnit) {
  Row row = against_vxlan();
  row.ours.value = 200;
  row.peer->theirs.value = 100;
  EXPECT_EQ(ratio(row), 2);
  row.better = Better::kLess;
  EXPECT_EQ(ratio(row), 0.5);
}

TEST(Row, NoRatioAgainstNothing) {
  Row row = against_vxlan();
  row.peer->theirs.value = 0;
  EXPECT_FALSE(ratio(row));
  EXPECT_EQ(to_json(row),
            R"({"bench":"dataplane","case":"udp64-ipv6","unit":"packets/s","ours":103400,)"
            R"("peer":"vxlan","theirs":0,"runs":5})");
}

TEST(Row, SaysWhyAPeerHasNoFigure) {
  Row row = against_vxlan();
  row.peer = {.name = "gobgp", .failure = "not within 120 s"};
  EXPECT_FALSE(ratio(row));
  EXPECT_EQ(to_json(row),
            R"({"bench":"dataplane","case":"udp64-ipv6","unit":"packets/s","ours":103400,)"
            R"("peer":"gobgp","failed":"not within 120 s","runs":5})");
  EXPECT_THAT(to_table(std::array{row}), testing::HasSubstr("gobgp  not within 120 s"));
}

TEST(Row, SaysThatAPeerWasMeasuredLessOften) {
  Row row = against_vxlan();
  row.peer->theirs.runs = 1;
  EXPECT_EQ(to_json(row),
            R"({"bench":"dataplane","case":"udp64-ipv6","unit":"packets/s","ours":103400,)"
            R"("peer":"vxlan","theirs":94000,"ratio":1.100,"theirRuns":1,"runs":5})");
}

TEST(Row, IsJsonWhateverItsNames) {
  Row row = against_vxlan();
  row.name = "a \"quoted\"\nname";
  row.ours.value = 0.00001234;
  const auto read = boost::json::parse(to_json(row));
  EXPECT_EQ(read.at("case").as_string(), row.name);
  EXPECT_NEAR(read.at("ours").to_number<double>(), row.ours.value, 1e-12);
}

TEST(Row, TableShowsTheSpreadOfBoth) {
  const std::array rows{against_vxlan()};
  EXPECT_EQ(
      to_table(rows),
      "CASE        UNIT       OURS                     PEER   THEIRS               RATIO  RUNS\n"
      "udp64-ipv6  packets/s  103.4 k (99 k .. 104 k)  vxlan  94 k (93 k .. 95 k)  1.10   5\n");
}

}  // namespace
}  // namespace sextant::bench
