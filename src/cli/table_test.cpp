#include "cli/table.h"

#include <gtest/gtest.h>

namespace sextant::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({"NAME", "LOCATOR", "ROLE"});
  table.add({"worker1", "-", "Node"});
  table.add({"r1", "fcdd:0:0:aa::/64"});
  EXPECT_EQ(table.to_string(),
            "NAME     LOCATOR           ROLE\n"
            "worker1  -                 Node\n"
            "r1       fcdd:0:0:aa::/64\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"A", "B"});
  table.add({"é", "x"});
  EXPECT_EQ(table.to_string(), "A  B\né  x\n");
}

TEST(Table, KeepsControlCharactersOffTheTerminal) {
  Table table({"A"});
  table.add({"x\ny\x1b[2J"});
  EXPECT_EQ(table.to_string(), "A\nx y [2J\n");
}

}  // namespace
}  // namespace sextant::cli
