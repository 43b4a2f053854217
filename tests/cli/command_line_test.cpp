// Exit statuses, and what goes to which stream.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "programs.h"

namespace sextant {
namespace {

TEST(CommandLine, AGroupWithoutACommandShowsItsHelpAndFails) {
  for (const auto& words : {std::vector<std::string>{}, std::vector<std::string>{"testbed"},
                            std::vector<std::string>{"testbed", "full"}}) {
    const auto done = test::sextant(words);
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.out, "");
    EXPECT_NE(done.err.find("Usage: sextant"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("Examples:"), std::string::npos) << done.err;
  }
}

TEST(CommandLine, HelpIsAskedForInThreeWays) {
  const auto one = test::sextant({"testbed", "full", "up", "--help"});
  EXPECT_EQ(one.status, 0);
  EXPECT_NE(one.out.find("Usage: sextant testbed full up"), std::string::npos) << one.out;
  EXPECT_EQ(test::sextant({"testbed", "full", "up", "-h"}).out, one.out);
  const auto other = test::sextant({"help", "testbed", "full", "up"});
  EXPECT_EQ(other.status, 0);
  EXPECT_EQ(other.out, one.out);
}

TEST(CommandLine, AWrongOneIsAnsweredWithAWayOut) {
  struct Row {
    std::vector<std::string> words;
    std::string says;
  };
  for (const auto& [words, says] : std::vector<Row>{
           {{"stauts"}, "did you mean: sextant status"},
           {{"testbed", "ful", "up"}, "did you mean: sextant testbed full"},
           {{"kubernetes"}, "commands: status sids"},
           {{"status", "worker1"}, "takes no argument 'worker1'"},
           {{"status", "-o", "xml"}, "xml not in {table,json,yaml}"},
           {{"status", "--nonsense"}, "--nonsense"},
           {{"--nonsense"}, "sextant: there is no option '--nonsense' here"},
           {{"-o", "json", "status"}, "sextant: there is no option '-o' here"},
           {{"pi", "-u", "::1"}, "sextant pi: there is no option '-u' here"},
           {{"pi", "list", "-u", "::1", "--convention", "x"}, "'x' is not one of"},
           {{"completion"}, "SHELL is required"},
           {{"completion", "fish"}, "fish not in {bash,zsh}"},
           {{"help", "nonsense"}, "there is no command 'nonsense'"},
       }) {
    const auto done = test::sextant(words);
    EXPECT_EQ(done.status, 2) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_NE(done.err.find(says), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("--help"), std::string::npos) << "where to read on: " << done.err;
  }
}

TEST(CommandLine, AnAgentThatDoesNotAnswerIsAFailureNotAWrongLine) {
  const auto done = test::sextant({"status"});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("/nonexistent: it is not running"), std::string::npos) << done.err;
}

TEST(CommandLine, CniInstallWritesNothingWhereItCannotReadItsKubeconfig) {
  const std::string folder = ::testing::TempDir() + "sx-cni-" + std::to_string(::getpid());
  const auto done =
      test::sextant({"cni", "install", "--node", "n1", "--kubeconfig", "/nonexistent/kubeconfig",
                     "--cni-bin-dir", folder + "/bin", "--cni-conf-dir", folder + "/net.d"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_NE(done.err.find("/nonexistent/kubeconfig"), std::string::npos) << done.err;
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace sextant
