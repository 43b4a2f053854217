#include "injector/policy_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sextant::injector {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class PolicyFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "policy-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  void write(const std::string& name, int color) {
    std::ofstream(folder / name) << "nlri: {distinguisher: 1, color: " << color
                                 << ", endpoint: \"fd12::1\"}\n"
                                    "segmentlist: {segments: [{sid: \"fcff:6::1\"}]}\n";
  }
  [[nodiscard]] std::vector<std::uint32_t> colors(const std::vector<std::string>& paths) const {
    const auto set = load_policies(paths);
    EXPECT_TRUE(set) << set.error().message();
    std::vector<std::uint32_t> found;
    for (const auto& policy : set->wanted()) found.push_back(policy.key.color.value);
    return found;
  }
  fs::path folder;
};

TEST_F(PolicyFiles, TakesFoldersByTheirFilesNames) {
  write("b.yaml", 2);
  write("a.yml", 1);
  write("c.json", 3);
  write(".hidden.yaml", 4);
  write("notes.txt", 5);
  fs::create_directory(folder / "d.yaml");
  EXPECT_THAT(colors({folder}), ElementsAre(1U, 2U, 3U));
  EXPECT_THAT(colors({folder / "notes.txt", folder / "b.yaml"}), ElementsAre(5U, 2U))
      << "what is named itself is read whatever its name is";
}

TEST_F(PolicyFiles, SaysAllMistakesOfAllFiles) {
  write("a.yaml", 0);
  write("b.yaml", 1);
  std::ofstream(folder / "c.yaml") << "a: [1\n";
  const auto set = load_policies({folder});
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message(), HasSubstr("a.yaml:1: "));
  EXPECT_THAT(set.error().message(), HasSubstr("c.yaml:"));
  EXPECT_THAT(set.error().message(), Not(HasSubstr("b.yaml")));
}

TEST_F(PolicyFiles, SaysWhatCannotBeRead) {
  const auto missing = load_policies({folder / "nothing"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("there is no such file or folder"));
  EXPECT_THAT(colors({folder}), ElementsAre()) << "an empty folder is one without policies";
}

}  // namespace
}  // namespace sextant::injector
