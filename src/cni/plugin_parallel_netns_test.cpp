// Many pods at once, as when a node starts or is drained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "cni/plugin_testing.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPods = 50;

class ParallelTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (int i = 0; i < kPods; ++i) {
      pods_.push_back(std::make_unique<ScratchNetns>("many" + std::to_string(i)));
    }
  }
  [[nodiscard]] std::vector<Ended> run_all(const std::string& command,
                                           const json::object& input) const {
    std::vector<Running> running;
    for (int i = 0; i < kPods; ++i) {
      const auto variables = environment(command, "many" + std::to_string(i), *pods_.at(i));
      running.push_back(start(program_, variables, json::serialize(input)));
    }
    std::vector<Ended> ended;
    for (const Running& each : running) ended.push_back(finish(each));
    return ended;
  }
  std::vector<std::unique_ptr<ScratchNetns>> pods_;
};

TEST_F(ParallelTest, FiftyPodsAreAddedAndDeletedAtOnce) {
  std::set<std::string> addresses;
  for (const Ended& added : run_all("ADD", config())) {
    ASSERT_EQ(added.exit_status, 0) << added.output;
    const auto result = added.result();
    for (const auto& each : result.at("ips").as_array()) {
      addresses.emplace(each.at("address").as_string());
    }
  }
  EXPECT_THAT(addresses, SizeIs(2 * kPods)) << "no address twice";
  EXPECT_THAT(host_ends(), SizeIs(kPods));
  EXPECT_THAT(
      expect(netlink::list_routes(*host_, {.protocol = netlink::RouteProtocol::kSextantCni})),
      SizeIs(2 * kPods));
  for (const Ended& deleted : run_all("DEL", config())) {
    EXPECT_EQ(deleted.exit_status, 0) << deleted.output;
  }
  expect_nothing_left();
}

// As many addresses as pods, all leased to pods that are gone: each ADD finds the range full, and
// one releases what the others then use.
TEST_F(ParallelTest, AllOfThemAfterARebootWithEveryAddressTaken) {
  const auto input = config("1.0.0", {"172.16.0.0/26"});
  for (int i = 2; i < 63; ++i) {
    leave_lease("172.16.0." + std::to_string(i), "before" + std::to_string(i) + "\r\neth0");
  }
  std::set<std::string> addresses;
  for (const Ended& added : run_all("ADD", input)) {
    ASSERT_EQ(added.exit_status, 0) << added.output;
    addresses.emplace(added.result().at("ips").at(0).at("address").as_string());
  }
  EXPECT_THAT(addresses, SizeIs(kPods));
  EXPECT_THAT(leases(), SizeIs(kPods));
}

}  // namespace
}  // namespace sextant::cni
