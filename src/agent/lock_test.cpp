#include "agent/lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/test_support.h"

namespace sextant::agent {
namespace {

class LockTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string claim(const std::string& name) const {
    return "sextant-lock-test-" + std::to_string(::getpid()) + name;
  }
  TemporaryFolder folder_;
  std::string socket_ = folder_.path() / "run" / "agent.sock";
};

TEST_F(LockTest, IsHeldOnceASocketPath) {
  const auto first = AgentLock::take(socket_, claim("a"));
  ASSERT_TRUE(first) << first.error().message();
  const auto second = AgentLock::take(socket_, claim("b"));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find("another agent holds it"), std::string::npos);
  EXPECT_FALSE(second.error().hint.empty());
}

TEST_F(LockTest, IsHeldOnceANetworkNamespace) {
  const auto first = AgentLock::take(socket_, claim("a"));
  ASSERT_TRUE(first);
  const auto second = AgentLock::take(socket_ + "2", claim("a"));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find("in this network namespace"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(socket_ + "2.lock")) << "what was half taken is released";
}

TEST_F(LockTest, IsFreeAgainAfterItsEndAndLeavesNoFile) {
  for (int i = 0; i < 3; ++i) {
    const auto lock = AgentLock::take(socket_, claim("a"));
    ASSERT_TRUE(lock) << lock.error().message();
  }
  EXPECT_FALSE(std::filesystem::exists(socket_ + ".lock"));
}

TEST_F(LockTest, TakesOverTheFileOfAnAgentThatWasKilled) {
  std::filesystem::create_directories(std::filesystem::path(socket_).parent_path());
  std::ofstream(socket_ + ".lock") << "stale";
  EXPECT_TRUE(AgentLock::take(socket_, claim("a")));
}

TEST_F(LockTest, NamesTheFolderThatCannotBeMade) {
  std::ofstream(folder_.path() / "file") << "no folder";
  const auto lock = AgentLock::take(folder_.path() / "file" / "agent.sock", claim("a"));
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message().find("agent.sock"), std::string::npos);
}

}  // namespace
}  // namespace sextant::agent
