#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/App.hpp>

#include "cli/program.h"

namespace sextant::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<Candidate> no_names(const std::string& kind, const std::string& command,
                                const std::function<std::string(const char*)>& typed) {
  (void)kind;
  (void)command;
  (void)typed;
  return {};
}

std::vector<std::string> offered(std::vector<std::string> words, const Names& names = no_names) {
  std::vector<std::string> values;
  for (auto& candidate : complete(*make_program(), std::move(words), names).candidates)
    values.push_back(std::move(candidate.value));
  return values;
}

TEST(Completion, OffersCommandsOfEachLevel) {
  EXPECT_THAT(offered({"sta"}), ElementsAre("status"));
  EXPECT_THAT(offered({"testbed", ""}), ElementsAre("basic", "full", "cluster"));
  EXPECT_THAT(offered({"testbed", "full", ""}),
              ElementsAre("up", "test", "status", "down", "trace", "exec"));
  EXPECT_THAT(offered({""}), Not(Contains("__complete"))) << "it is for scripts";
  EXPECT_THAT(offered({"nonsense", ""}), IsEmpty());
}

TEST(Completion, OffersOptionsOnceAndTheValuesThatTheyAdmit) {
  EXPECT_THAT(offered({"routes", "--"}), ElementsAre("--help", "--output", "--socket"));
  EXPECT_THAT(offered({"routes", "-o", "json", "--"}), ElementsAre("--help", "--socket"));
  EXPECT_THAT(offered({"routes", "-o", ""}), ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(offered({"routes", "--output", "y"}), ElementsAre("yaml"));
  EXPECT_THAT(offered({"routes", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh")) << "positionals too";
}

TEST(Completion, LeavesFilesToTheShell) {
  EXPECT_EQ(complete(*make_program(), {"status", "--socket", "/ru"}, no_names).files,
            Files::kFiles);
  EXPECT_EQ(complete(*make_program(), {"status", "-o", ""}, no_names).files, Files::kNone);
}

TEST(Completion, AsksForNamesWithWhatWasTyped) {
  std::string asked;
  const Names names = [&asked](const std::string& kind, const std::string& command,
                               const std::function<std::string(const char*)>& typed) {
    asked = kind + "|" + command + "|" + typed("--name");
    return std::vector<Candidate>{{"pod-master-1", "pod"}, {"r1", "router"}};
  };
  EXPECT_THAT(offered({"testbed", "full", "exec", "--name", "lab2", "r"}, names),
              ElementsAre("r1"));
  EXPECT_EQ(asked, "MACHINE|sextant testbed full exec|lab2");
}

TEST(Completion, ReadsAdmittedValuesOffATypeName) {
  EXPECT_THAT(admitted_values("TEXT:{table,json,yaml}"), ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(admitted_values("UINT"), IsEmpty());
  EXPECT_THAT(admitted_values("odd{"), IsEmpty());
  EXPECT_THAT(admitted_values("{}"), IsEmpty());
}

}  // namespace
}  // namespace sextant::cli
