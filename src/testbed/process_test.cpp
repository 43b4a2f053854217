#include "testbed/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

namespace sextant::testbed {
namespace {

using namespace std::chrono_literals;

TEST(Run, GivesOutputsAndStatusAndPassesInputAndEnvironment) {
  const auto output = run({.arguments = {"sh", "-c", "cat; echo $WORD >&2; exit 3"},
                           .environment = {{"WORD", "hello"}},
                           .input = std::string(100'000, 'x')},
                          10s);
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->status, 3);
  EXPECT_EQ(output->out.size(), 100'000U);
  EXPECT_EQ(output->err, "hello\n");
}

TEST(Run, ReportsAProgramThatIsNotThere) {
  const auto output = run({.arguments = {"/no/such/program"}}, 1s);
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message().find("start program"), std::string::npos);
}

TEST(Run, KillsWhatTakesTooLong) {
  const auto output = run({.arguments = {"sleep", "60"}}, 50ms);
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message().find("not done"), std::string::npos);
}

/// `kill -9` of an `up` in the middle.
TEST(Run, LeavesNothingBehindWhereTheCallerIsKilled) {
  std::array<int, 2> held{};
  ASSERT_EQ(::pipe(held.data()), 0);  // handed on by exec: at its end when all who have it are gone
  const pid_t caller = ::fork();
  ASSERT_GE(caller, 0);
  if (caller == 0) {
    ::close(held[0]);
    const auto tell = "echo >&" + std::to_string(held[1]) + "; exec sleep 62.5";
    [[maybe_unused]] const auto output = run({.arguments = {"sh", "-c", tell}}, 60s);
    ::_exit(0);
  }
  ::close(held[1]);
  char byte = 0;
  EXPECT_EQ(::read(held[0], &byte, 1), 1) << "it runs";
  ::kill(caller, SIGKILL);
  ::waitpid(caller, nullptr, 0);
  pollfd ended{held[0], POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 20'000), 1) << "it still runs";
  EXPECT_EQ(::read(held[0], &byte, 1), 0);
  ::close(held[0]);
}

TEST(Run, ReportsAMissingNamespace) {
  const auto output = run({.arguments = {"true"}, .netns = "sx-none-such"}, 1s);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().object, "sx-none-such");
}

class Daemon : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory_.data()); }
  std::filesystem::path path(const char* name) const {
    return std::filesystem::path{directory_.data()} / name;
  }
  std::string directory_ = "/tmp/sextant-process-XXXXXX";
};

TEST_F(Daemon, IsFoundByItsPidFileAndEnded) {
  const auto pid = spawn_daemon({.arguments = {"sleep", "61.5"}}, path("log"), path("pid"));
  ASSERT_TRUE(pid) << pid.error().message();
  EXPECT_EQ(running_process(path("pid"), "61.5"), *pid);
  EXPECT_EQ(running_process(path("pid"), "another"), 0) << "somebody else's process";
  EXPECT_TRUE(end_processes(std::array{*pid}, 5s));
  EXPECT_EQ(running_process(path("pid"), "61.5"), 0);
}

TEST_F(Daemon, ThatIgnoresTermIsKilled) {
  const auto pid = spawn_daemon({.arguments = {"sh", "-c", "trap '' TERM; exec sleep 62"}},
                                path("log"), path("pid"));
  ASSERT_TRUE(pid) << pid.error().message();
  EXPECT_TRUE(end_processes(std::array{*pid}, 20ms));
}

TEST_F(Daemon, ThatCannotStartIsAnError) {
  EXPECT_FALSE(spawn_daemon({.arguments = {"/no/such"}}, path("log"), path("pid")));
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST_F(Daemon, PidFileWithGarbageNamesNoProcess) {
  std::ofstream(path("pid")) << "-1 x";
  EXPECT_EQ(running_process(path("pid"), ""), 0);
  EXPECT_EQ(running_process(path("none"), ""), 0);
}

}  // namespace
}  // namespace sextant::testbed
