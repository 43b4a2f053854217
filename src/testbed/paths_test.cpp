#include "testbed/paths.h"

#include <gtest/gtest.h>

namespace sextant::testbed {
namespace {

using Path = std::vector<std::string>;

const Topology& lab() { return topology(Kind::kFull); }

TEST(ShortestPaths, AreAllThatHopCountAllows) {
  const std::vector<Path> wanted{{"r3", "r2", "r7", "r8"}, {"r3", "r4", "r6", "r8"}};
  EXPECT_EQ(shortest_paths(lab(), "r3", "r8"), wanted);
  EXPECT_EQ(shortest_paths(lab(), "r3", "r3"), std::vector<Path>{{"r3"}});
}

TEST(ExpectedRoutes, NameEveryDeviceOfEqualCost) {
  const ExpectedRoutes routes = expected_routes(lab(), "r3");
  const auto devices = [&routes](const char* prefix) {
    return routes.at(IpPrefix::parse(prefix).value());
  };
  EXPECT_EQ(devices("fcff:8::/32"), (std::set<std::string>{"to-r2", "to-r4"}));
  EXPECT_EQ(devices("10.255.255.6/32"), (std::set<std::string>{"to-r4"}));
  EXPECT_EQ(devices("fcdd:0:0:12aa::/64"), (std::set<std::string>{"to-r2", "to-r4"}));
  EXPECT_EQ(devices("fcdd:0:0:aa::/64"), (std::set<std::string>{"to-master"}));
  EXPECT_EQ(devices("192.168.12.0/24"), (std::set<std::string>{"to-r2", "to-r4"}));
  EXPECT_FALSE(routes.contains(IpPrefix::parse("fcff:3::/32").value()));
}

TEST(ExpectedRoutes, OfTheBasicTestbedAreNone) {
  EXPECT_TRUE(shortest_paths(lab(), "r1", "r1").size() == 1);
  EXPECT_TRUE(topology(Kind::kBasic).routers.empty());
}

struct Row {
  const char* name;
  const char* from;
  const char* to;
  Path segments;
  Path seen;
  bool good;
};

class PathFault : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, PathFault,
    testing::Values(
        Row{"Pinned",
            "master",
            "worker2",
            {"fcff:6::1", "fcff:8::1"},
            {"r3", "r4", "r6", "r8"},
            true},
        Row{"OtherShortest", "master", "worker2", {"fcff:6::1"}, {"r3", "r2", "r7", "r8"}, false},
        Row{"Plain", "master", "worker2", {}, {"r3", "r2", "r7", "r8"}, true},
        Row{"Back",
            "worker2",
            "worker1",
            {"fcff:4::1", "fcff:3::1"},
            {"r8", "r6", "r4", "r3"},
            true},
        Row{"SameRouter", "master", "worker1", {"fcff:3::1"}, {"r3"}, true},
        Row{"Unseen", "master", "worker1", {"fcff:3::1"}, {}, false},
        Row{"NoRouter", "master", "worker1", {"fcff:99::1"}, {"r3"}, false}),
    [](const auto& row) { return row.param.name; });

TEST_P(PathFault, TellsWhatSegmentsAskFor) {
  const Row& row = GetParam();
  const std::string fault =
      path_fault(lab(), *lab().node(row.from), *lab().node(row.to), row.segments, row.seen);
  EXPECT_EQ(fault.empty(), row.good) << fault;
}

}  // namespace
}  // namespace sextant::testbed
