#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "dataplane/linux/netlink/netns.h"
#include "testbed/files.h"
#include "testbed/frr.h"
#include "testbed/process.h"
#include "testbed/state.h"
#include "testbed/status.h"
#include "testbed/testbed.h"

namespace sextant::testbed {
namespace {

using namespace std::chrono_literals;
using netlink::Netns;

/// A testbed without agents and pods, gone at the test's end whatever happens.
class Testbed : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    if (::access("/usr/lib/frr/isisd", X_OK) != 0) GTEST_SKIP() << "FRR is not installed";
  }
  void TearDown() override {
    if (::geteuid() == 0) {
      EXPECT_TRUE(down(id_));
    }
  }
  Result<UpReport> bring_up() {
    return up(id_, {.pods = 0, .agents = false, .programs = {}, .progress = {}});
  }
  std::string state() const {
    const auto result = status(id_);
    return result ? result->state : result.error().message();
  }
  void expect_nothing_left() const {
    EXPECT_EQ(existing_namespaces(id_).value(), std::vector<std::string>{});
    EXPECT_FALSE(std::filesystem::exists(id_.directory()));
    EXPECT_EQ(state(), "down");
  }

  Id id_ = Id::make(GetParam(), "t" + std::to_string(::getpid())).value();
};

using AnyTestbed = Testbed;
INSTANTIATE_TEST_SUITE_P(Kinds, AnyTestbed, testing::Values(Kind::kBasic, Kind::kFull),
                         [](const auto& row) { return std::string{to_string(row.param)}; });

TEST_P(AnyTestbed, ComesUpOnceStaysAndGoesWithoutTrace) {
  EXPECT_EQ(state(), "down");
  const auto first = bring_up();
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_FALSE(first->was_up);
  EXPECT_EQ(state(), "up");
  const auto second = bring_up();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_TRUE(second->was_up);
  ASSERT_TRUE(down(id_));
  expect_nothing_left();
  EXPECT_EQ(down(id_).value().namespaces, 0U);
}

TEST_P(AnyTestbed, RefusesTheOtherKindUnderItsName) {
  ASSERT_TRUE(bring_up());
  const Kind other = GetParam() == Kind::kBasic ? Kind::kFull : Kind::kBasic;
  const Id same_name = Id::make(other, id_.name()).value();
  EXPECT_FALSE(up(same_name, {.programs = {}, .progress = {}}));
  EXPECT_FALSE(down(same_name));
  EXPECT_EQ(state(), "up");
}

TEST_P(AnyTestbed, IsRebuiltWhereAnEarlierUpWasInterrupted) {
  ASSERT_TRUE(make_directory(id_.directory()));
  ASSERT_TRUE(
      write_state(id_, {.kind = GetParam(), .pods = 0, .agents = false, .complete = false}));
  ASSERT_TRUE(Netns::create(id_.netns("worker1")));
  EXPECT_EQ(state(), "partial");
  const auto built = bring_up();
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(state(), "up");
}

TEST_P(AnyTestbed, IsRebuiltWhereANamespaceWasRemoved) {
  ASSERT_TRUE(bring_up());
  ASSERT_TRUE(Netns::remove(id_.netns("worker2")));
  EXPECT_EQ(state(), "partial");
  const auto built = bring_up();
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(state(), "up");
}

TEST_P(AnyTestbed, DownRemovesPodsAndWhatTheDataPlanesMadeAndNothingElse) {
  const std::string other = id_.netns("somebody-elses");
  for (const std::string& name : {id_.netns("pod-master-7"), id_.netns("worker1") + "-gw", other}) {
    ASSERT_TRUE(Netns::create(name));
  }
  ASSERT_TRUE(down(id_));
  expect_nothing_left();
  const auto names = Netns::list();
  EXPECT_NE(std::ranges::find(*names, other), names->end());
  EXPECT_TRUE(Netns::remove(other));
}

TEST_P(AnyTestbed, DownEndsWhateverRunsInItsNamespaces) {
  ASSERT_TRUE(bring_up());
  const std::filesystem::path log = id_.directory() / "log", pid = id_.directory() / "stray";
  ASSERT_TRUE(spawn_daemon({.arguments = {"sleep", "63"}, .netns = id_.netns("master")}, log, pid));
  const auto report = down(id_);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_GE(report->processes, 1U);
  expect_nothing_left();
}

using FullTestbed = Testbed;
INSTANTIATE_TEST_SUITE_P(Kinds, FullTestbed, testing::Values(Kind::kFull),
                         [](const auto& row) { return std::string{to_string(row.param)}; });

TEST_P(FullTestbed, RestartsADaemonThatEnded) {
  ASSERT_TRUE(bring_up());
  const auto directory = frr_directory(id_, "r6");
  const pid_t isisd = running_process(directory / "isisd.pid", directory.string());
  ASSERT_NE(isisd, 0);
  ASSERT_TRUE(end_processes(std::array{isisd}, 5s));
  EXPECT_EQ(state(), "partial");
  const auto again = bring_up();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->repaired, std::vector<std::string>{"isisd on r6"});
  EXPECT_EQ(state(), "up");
}

TEST_P(FullTestbed, DownFindsProcessesWhoseNamespaceLostItsName) {
  ASSERT_TRUE(bring_up());
  const auto directory = frr_directory(id_, "r5");
  const pid_t zebra = running_process(directory / "zebra.pid", directory.string());
  ASSERT_NE(zebra, 0);
  ASSERT_TRUE(Netns::remove(id_.netns("r5")));
  ASSERT_TRUE(down(id_));
  expect_nothing_left();
  // Its entry stays until init has seen its end; then it has no command line any more.
  EXPECT_EQ(read_file("/proc/" + std::to_string(zebra) + "/cmdline").value_or(""), "");
}

}  // namespace
}  // namespace sextant::testbed
