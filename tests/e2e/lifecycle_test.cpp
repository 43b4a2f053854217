// Testbeds come up once, go down wholly, and leave nothing when they die half way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "base/unique_fd.h"
#include "e2e/lab.h"

namespace sextant::e2e {
namespace {

using testbed::Id;
using testbed::Kind;

/// Namespaces, processes and files of a testbed.
std::vector<std::string> left_overs(const Id& id) {
  std::vector<std::string> found;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/run/netns", gone)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(id.netns(""))) found.push_back("namespace " + name);
  }
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (line.find(id.directory().string() + "/") != std::string::npos) {
      found.push_back("process " + entry.path().filename().string() + " " + line.c_str());
    }
  }
  if (std::filesystem::exists(id.directory())) found.push_back(id.directory().string());
  return found;
}

/// Runs `sextant testbed KIND up --name NAME` and kills it after `lines` lines of progress.
/// Errors: it ended before that.
Result<void> kill_up_after(const Id& id, int lines) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("make pipe for", "up", errno);
  UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const std::string program = (programs() / "sextant").string();
  const std::string kind(to_string(id.kind()));
  const std::array<const char*, 7> arguments = {
      program.c_str(), "testbed", kind.c_str(), "up", "--name", id.name().c_str(), nullptr};
  const pid_t child = ::fork();
  if (child < 0) return system_error("start", program, errno);
  if (child == 0) {
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(out.get(), STDERR_FILENO);
    ::execv(program.c_str(), const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  out.reset();
  int seen = 0;
  std::string text;
  std::array<char, 256> bytes{};
  ssize_t got = 0;
  while (seen < lines && (got = ::read(in.get(), bytes.data(), bytes.size())) > 0) {
    text.append(bytes.data(), static_cast<std::size_t>(got));
    seen = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (seen < lines || !WIFSIGNALED(status)) {
    return failure("kill half way", program, "it had ended before line " + std::to_string(lines),
                   text);
  }
  return {};
}

class Lifecycle : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  }
  void TearDown() override {
    for (const Kind kind : {Kind::kBasic, Kind::kFull}) {
      const auto ended = testbed::down(id(kind));
      EXPECT_TRUE(ended) << ended.error().message();
    }
  }
  static Id id(Kind kind) {
    return Id::make(kind, (kind == Kind::kBasic ? "b" : "f") + std::to_string(::getpid())).value();
  }
};

TEST_F(Lifecycle, UpTwiceKeepsWhatRunsAndDownLeavesNothing) {
  const Id basic = id(Kind::kBasic);
  const testbed::UpOptions options{.pods = 1, .programs = programs(), .progress = {}};
  const auto first = testbed::up(basic, options);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_FALSE(first->was_up);
  const auto second = testbed::up(basic, options);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_TRUE(second->was_up);
  EXPECT_THAT(second->repaired, testing::IsEmpty());

  const auto down = testbed::down(basic);
  ASSERT_TRUE(down) << down.error().message();
  EXPECT_GT(down->namespaces, 0U);
  EXPECT_THAT(left_overs(basic), testing::IsEmpty());
  const auto again = testbed::down(basic);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->namespaces + again->processes, 0U);
}

TEST_F(Lifecycle, DownAfterAnUpThatWasKilledHalfWayLeavesNothing) {
  for (const Kind kind : {Kind::kBasic, Kind::kFull}) {
    const Id lab = id(kind);
    for (const int lines : {1, 3}) {
      SCOPED_TRACE(std::string(to_string(kind)) + " killed after line " + std::to_string(lines));
      const auto killed = kill_up_after(lab, lines);
      ASSERT_TRUE(killed) << killed.error().message();
      EXPECT_THAT(left_overs(lab), testing::Not(testing::IsEmpty())) << "killed too early";
      const auto down = testbed::down(lab);
      ASSERT_TRUE(down) << down.error().message();
      EXPECT_THAT(left_overs(lab), testing::IsEmpty());
    }
  }
}

TEST_F(Lifecycle, UpCompletesWhatAKilledUpLeft) {
  const Id lab = id(Kind::kBasic);
  const auto killed = kill_up_after(lab, 2);
  ASSERT_TRUE(killed) << killed.error().message();
  const auto up = testbed::up(lab, {.pods = 1, .programs = programs(), .progress = {}});
  ASSERT_TRUE(up) << up.error().message();
  const auto again = testbed::up(lab, {.pods = {}, .programs = programs(), .progress = {}});
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE(again->was_up);
}

}  // namespace
}  // namespace sextant::e2e
