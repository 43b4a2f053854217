// How injected policies are named, shown and edited.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/pi_edit.h"
#include "cli/pi_selection.h"
#include "cli/pi_tables.h"
#include "injector/policy_set.h"

namespace sextant::cli {
namespace {

namespace fs = std::filesystem;
using injector::InjectedPolicy;
using injector::PolicyReport;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PolicyReport report(std::string name, std::uint32_t color, std::uint32_t distinguisher) {
  PolicyReport made{.policy = {.name = std::move(name),
                               .key = {.distinguisher = distinguisher,
                                       .color = {color},
                                       .endpoint = IpAddress::parse("fd12::1000").value()}}};
  made.policy.tunnel.lists.push_back(
      {.segments = {bgp::Segment::of(Ipv6Address::parse("fcff:6::1").value()),
                    bgp::Segment::of(Ipv6Address::parse("fcff:8::1").value())}});
  return made;
}

std::vector<std::string> chosen(const std::string& text) {
  const std::vector<PolicyReport> all{report("gold", 94, 4), report("gold", 94, 5),
                                      report("silver", 95, 4), report("", 96, 1)};
  const auto found = select_policies(all, text);
  std::vector<std::string> titles;
  if (!found) return {found.error().cause};
  for (const auto& one : *found) titles.push_back(full_title(one.policy));
  return titles;
}

TEST(PiSelection, IsByNameOrByColorEndpointAndDistinguisher) {
  EXPECT_THAT(chosen("gold"), ElementsAre("gold (94,fd12::1000,4)", "gold (94,fd12::1000,5)"));
  EXPECT_THAT(chosen("94,fd12::1000"), testing::SizeIs(2));
  EXPECT_THAT(chosen("94,fd12::1000,5"), ElementsAre("gold (94,fd12::1000,5)"));
  EXPECT_THAT(chosen("96,fd12::1000,1"), ElementsAre("96,fd12::1000,1"));
  for (const auto* text : {"", "bronze", "94", "94,", "94,x", "94,fd12::1000,", "94,fd12::1000,6",
                           "94,fd12::1000,5,1", "-1,fd12::1000"})
    EXPECT_THAT(chosen(text), ElementsAre("no such policy is announced")) << text;
}

TEST(PiTables, SayWhoWasToldAndWhoTookIt) {
  auto one = report("gold", 94, 4);
  EXPECT_EQ(sent_cell(one), "-") << "GoBGP does not tell";
  EXPECT_EQ(headends_cell(one), "-");
  one.peers_known = one.headends_known = true;
  EXPECT_EQ(sent_cell(one), "nobody: there is no peer");
  EXPECT_EQ(headends_cell(one), "no headend reports it");
  one.peers = {{.peer = "fd10::1", .reason = "the session is Active"}, {.peer = "fd11::1"}};
  EXPECT_EQ(sent_cell(one), "nobody: fd10::1: the session is Active");
  one.peers[1].sent = true;
  EXPECT_EQ(sent_cell(one), "1/2 peers");
  one.headends = {{.headend = "10.0.0.1", .accepted = true, .active = true},
                  {.headend = "10.0.0.2", .reason = "its weight is 0"}};
  EXPECT_EQ(headends_cell(one), "1/2 accepted; rejected: 10.0.0.2: its weight is 0");
  auto early = one;
  early.headends[1] = {.headend = "10.0.0.2", .pending = true, .reason = "not evaluated yet"};
  EXPECT_EQ(headends_cell(early), "1/2 accepted; pending: 10.0.0.2: not evaluated yet");
  EXPECT_THAT(pi_details(early), HasSubstr("pending         10.0.0.2: not evaluated yet\n"));
  auto named = one;
  named.policy.headends.assign(4, Ipv4Address::parse("10.0.0.9").value());
  EXPECT_THAT(headends_cell(named), HasSubstr("1/4 accepted")) << "two of them say nothing";
  const auto table = pi_table({one});
  EXPECT_THAT(table, HasSubstr("gold  94     fd12::1000  4     -     -     fcff:6::1, fcff:8::1"));
  EXPECT_THAT(pi_details(one), HasSubstr("not sent to     fd10::1: the session is Active\n"));
  EXPECT_THAT(pi_details(one), HasSubstr("rejected        10.0.0.2: its weight is 0\n"));
  EXPECT_EQ(pi_table({}), "No policies.\n");
  EXPECT_EQ(pi_difference({.added = {one.policy}, .unchanged = 2}),
            "+ gold (94,fd12::1000,4)\n1 added, 0 changed, 0 removed, 2 unchanged\n");
}

/// An editor is a shell script that is given the file's name.
class PiEdit : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "pi-edit-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    ::unsetenv("VISUAL");
    ::setenv("TMPDIR", folder.c_str(), 1);
  }
  void TearDown() override {
    fs::remove_all(folder);
    ::unsetenv("TMPDIR");
  }
  void use_editor(const std::string& script) {
    const auto path = folder / "editor";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    fs::permissions(path, fs::perms::owner_all);
    ::setenv("EDITOR", path.c_str(), 1);
  }
  [[nodiscard]] std::string text_of(const fs::path& path) const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<InjectedPolicy> policies{report("gold", 94, 4).policy};
  fs::path folder;
};

TEST_F(PiEdit, TakesWhatTheEditorLeaves) {
  use_editor("sed -i s/fcff:6::1/fcff:7::1/ \"$1\"\n");
  const auto edited = edit_policies(policies);
  ASSERT_TRUE(edited) << edited.error().message();
  ASSERT_EQ(edited->difference.changed.size(), 1U);
  EXPECT_EQ(edited->difference.changed[0].tunnel.lists[0].segments[0].sid.to_string(), "fcff:7::1");
  EXPECT_TRUE(fs::exists(edited->file));
}

TEST_F(PiEdit, TellsAnotherKeyAsAnotherPolicy) {
  use_editor("sed -i 's/distinguisher: 4/distinguisher: 6/' \"$1\"\n");
  const auto edited = edit_policies(policies);
  ASSERT_TRUE(edited);
  EXPECT_EQ(edited->difference.added.size(), 1U);
  EXPECT_EQ(edited->difference.removed.size(), 1U);
}

TEST_F(PiEdit, ShowsMistakesAndOpensAgain) {
  use_editor(
      "if [ -e \"$0.seen\" ]; then cp \"$1\" \"$0.second\"; sed -i 's/color: 0/color: 9/' "
      "\"$1\"; else touch \"$0.seen\"; sed -i 's/color: 94/color: 0/' \"$1\"; fi\n");
  const auto edited = edit_policies(policies);
  ASSERT_TRUE(edited) << edited.error().message();
  EXPECT_EQ(edited->difference.added.size(), 1U);
  const auto shown = text_of(folder / "editor.second");
  EXPECT_THAT(shown, HasSubstr("spec.color: 0 is not a whole number from 1"));
  // The line that it names is the one with the mistake, below the words about it.
  const auto at = shown.find(".yaml:");
  ASSERT_NE(at, std::string::npos);
  const auto number = std::stoi(shown.substr(at + 6));
  std::istringstream lines(shown);
  std::string line;
  for (int i = 0; i < number; ++i) std::getline(lines, line);
  EXPECT_THAT(line, EndsWith("color: 0"));
}

TEST_F(PiEdit, ChangesNothingWhereNothingIsSaved) {
  for (const auto* script : {"exit 0\n", ": > \"$1\"\n", "echo '# only words' > \"$1\"\n"}) {
    use_editor(script);
    const auto edited = edit_policies(policies);
    ASSERT_TRUE(edited) << script;
    EXPECT_TRUE(edited->difference.empty());
    EXPECT_EQ(edited->file, "") << "and leaves no file behind";
  }
}

TEST_F(PiEdit, GivesUpOnMistakesThatStay) {
  use_editor("[ -e \"$0.seen\" ] || sed -i 's/color: 94/color: 0/' \"$1\"; touch \"$0.seen\"\n");
  const auto edited = edit_policies(policies);
  ASSERT_FALSE(edited);
  EXPECT_THAT(edited.error().message(), HasSubstr("nothing was changed"));
  EXPECT_THAT(edited.error().hint, HasSubstr(".yaml"));
}

TEST_F(PiEdit, SaysWhyTheEditorCannotBeRun) {
  ::setenv("EDITOR", (folder / "nothing").c_str(), 1);
  const auto missing = edit_policies(policies);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("it cannot be found"));
  use_editor("exit 3\n");
  EXPECT_FALSE(edit_policies(policies));
}

}  // namespace
}  // namespace sextant::cli
