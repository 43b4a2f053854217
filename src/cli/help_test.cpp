// What every command's help must teach, and that the reference knows every command and option.
#include "cli/help.h"

#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "agent/options.h"
#include "cli/man_pages.h"
#include "cli/program.h"
#include "cli/walk.h"

namespace sextant::cli {
namespace {

void for_each_command(const CLI::App& app, const std::string& path,
                      const std::function<void(const CLI::App&, const std::string&)>& visit) {
  for (const auto* command : visible_commands(app)) {
    const auto name = path + " " + command->get_name();
    visit(*command, name);
    for_each_command(*command, name, visit);
  }
}

std::string reference() {
  std::ifstream file(SEXTANT_SOURCE_DIR "/docs/reference-cli.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Help, TeachesForEveryCommand) {
  const auto program = make_program();
  std::size_t commands = 0;
  for_each_command(*program, "sextant", [&](const CLI::App& command, const std::string& path) {
    ++commands;
    SCOPED_TRACE(path);
    EXPECT_FALSE(command.get_description().empty());
    std::map<std::string, Section> found;
    for (const auto& section : sections(command.get_footer())) found[section.heading] = section;
    ASSERT_TRUE(found.contains("Examples"));
    for (const auto& line : found["Examples"].lines)
      EXPECT_NE(line.find("sextant"), std::string::npos) << line;
    EXPECT_TRUE(found.contains("Exit status"));
    EXPECT_TRUE(found.contains("Read on"));
    for (const auto* option : command.get_options())
      EXPECT_FALSE(option->get_description().empty()) << option->get_name();
  });
  EXPECT_GT(commands, 10U);
}

TEST(Help, IsCompleteInTheReference) {
  const auto text = reference();
  ASSERT_FALSE(text.empty());
  const auto expect_options = [&text](const CLI::App& app, const std::string& path) {
    for (const auto* option : app.get_options())
      for (const auto& name : option->get_lnames())
        EXPECT_NE(text.find("--" + name), std::string::npos)
            << path << " --" << name << " is not in docs/reference-cli.md";
  };
  for_each_command(*make_program(), "sextant", [&](const CLI::App& app, const std::string& path) {
    // Both testbeds have the same commands: described once.
    const bool leaf = visible_commands(app).empty() && !path.starts_with("sextant testbed basic");
    if (leaf) {
      EXPECT_NE(text.find('`' + path), std::string::npos)
          << path << " is not in docs/reference-cli.md";
    }
    expect_options(app, path);
  });
  agent::Options options;
  CLI::App daemon;
  agent::describe_command_line(daemon, options);
  expect_options(daemon, "sextantd");
}

TEST(Help, TakesFootersApart) {
  const auto found = sections("\nExamples:\n  a  b\n\nExit status:\n  0  done\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].heading, "Examples");
  EXPECT_EQ(found[0].lines, std::vector<std::string>{"  a  b"});
  EXPECT_EQ(found[1].heading, "Exit status");
  EXPECT_EQ(found[1].lines, std::vector<std::string>{"  0  done"});
}

TEST(Man, NamesEveryCommandAndOption) {
  const auto page = manual("sextant");
  for_each_command(*make_program(), "sextant", [&](const CLI::App& app, const std::string& path) {
    EXPECT_NE(page.find(".SS \"" + path + "\""), std::string::npos) << path;
    for (const auto* option : app.get_options())
      for (const auto& name : option->get_lnames()) {
        std::string roff = "\\-\\-";
        for (const char byte : name)
          roff += byte == '-' ? std::string("\\-") : std::string(1, byte);
        EXPECT_NE(page.find(roff), std::string::npos) << path << " --" << name;
      }
  });
  EXPECT_NE(manual("sextantd").find("\\-\\-max\\-segments"), std::string::npos);
  EXPECT_NE(manual("sextant-cni").find(".TH SEXTANT-CNI 8"), std::string::npos);
}

}  // namespace
}  // namespace sextant::cli
