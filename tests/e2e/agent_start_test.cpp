// What sextantd says where it cannot work.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "e2e/lab.h"
#include "testbed/process.h"

namespace sextant::e2e {
namespace {

class AgentStart : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sextant-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::vector<std::string> agent() const {
    return {(programs() / "sextantd").string(),
            "--node",
            "n1",
            "--manifests",
            directory_.string(),
            "--socket",
            (directory_ / "agent.sock").string()};
  }
  std::filesystem::path directory_;
};

TEST_F(AgentStart, WithoutTheCapabilityItSaysSoAndEnds) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to take a capability away";
  std::vector<std::string> arguments = {"setpriv", "--bounding-set", "-net_admin", "--inh-caps",
                                        "-net_admin"};
  for (const auto& argument : agent()) arguments.push_back(argument);
  const auto output = testbed::run({.arguments = arguments}, std::chrono::seconds(20));
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->status, 1);
  EXPECT_THAT(output->out + output->err, testing::HasSubstr("CAP_NET_ADMIN"));
}

TEST_F(AgentStart, WrongOptionsAreNamed) {
  auto arguments = agent();
  arguments.insert(arguments.end(), {"--max-segments", "many"});
  const auto output = testbed::run({.arguments = arguments}, std::chrono::seconds(20));
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_NE(output->status, 0);
  EXPECT_THAT(output->out + output->err, testing::HasSubstr("max-segments"));
}

}  // namespace
}  // namespace sextant::e2e
