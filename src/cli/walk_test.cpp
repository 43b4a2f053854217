#include "cli/walk.h"

#include <gtest/gtest.h>

#include <CLI/App.hpp>

#include "cli/program.h"

namespace sextant::cli {
namespace {

TEST(Walk, FindsTheDeepestCommandPastOptionsAndTheirValues) {
  const auto program = make_program();
  const auto at = walk(*program, {"testbed", "full", "up", "--name", "down", "--pods"});
  EXPECT_EQ(at.path, "sextant testbed full up") << "a value is no command";
  EXPECT_FALSE(at.unknown);
  ASSERT_NE(at.value_of, nullptr);
  EXPECT_EQ(at.value_of->get_name(), "--pods");
  ASSERT_EQ(at.values.size(), 1U);
  EXPECT_EQ(at.values.begin()->second, "down");
}

TEST(Walk, TellsAnUnknownCommandFromAnArgument) {
  const auto program = make_program();
  EXPECT_EQ(walk(*program, {"stauts"}).unknown, "stauts");
  EXPECT_EQ(walk(*program, {"testbed", "ful"}).unknown, "ful");
  EXPECT_EQ(walk(*program, {"status", "more"}).unknown, "more");
  const auto exec =
      walk(*program, {"testbed", "full", "exec", "r1", "--", "ip", "--json", "route"});
  EXPECT_FALSE(exec.unknown);
  EXPECT_EQ(exec.positionals, 4U);
  EXPECT_TRUE(walk(*program, {"routes", "--help"}).wants_help);
}

TEST(Walk, SuggestsWhatIsNearAndNothingElse) {
  const std::vector<std::string> names{"status", "sids", "policies", "routes", "nodes"};
  EXPECT_EQ(suggestions("stauts", names), std::vector<std::string>{"status"});
  EXPECT_EQ(suggestions("route", names), std::vector<std::string>{"routes"});
  EXPECT_EQ(suggestions("pol", names), std::vector<std::string>{"policies"}) << "a beginning";
  EXPECT_EQ(suggestions("sdis", names), std::vector<std::string>{"sids"});
  EXPECT_TRUE(suggestions("kubernetes", names).empty());
  EXPECT_TRUE(suggestions("", names).empty());
}

}  // namespace
}  // namespace sextant::cli
