// Calico's selectors: which nodes they choose, and what a mistake is called.
#include "sources/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::sources {
namespace {

using ::testing::HasSubstr;

const std::map<std::string, std::string> kLabels = {
    {"role", "rr"}, {"rack", "b7"}, {"kubernetes.io/os", "linux"},
    {"empty", ""},  {"in", "x"},    {"has", "y"}};

TEST(Selector, ChoosesByLabels) {
  const struct {
    const char* text;
    bool chosen;
  } rows[] = {
      {"", true},
      {"  ", true},
      {"all()", true},
      {"all( )", true},
      {"global()", true},
      {"!all()", false},
      {"role == 'rr'", true},
      {"role==\"rr\"", true},
      {"role == \"r'r\"", false},
      {"role == 'worker'", false},
      {"role != 'worker'", true},
      {"role != 'rr'", false},
      {"missing == ''", false},
      {"missing != 'x'", true},
      {"empty == ''", true},
      {"kubernetes.io/os == 'linux'", true},
      {"rack in {'a1', 'b7'}", true},
      {"rack in{'a1'}", false},
      {"rack in {}", false},
      {"rack not in {'a1'}", true},
      {"rack notin {'b7'}", false},
      {"missing in {'a1'}", false},
      {"missing not in {'a1'}", true},
      {"rack contains '7'", true},
      {"rack starts with 'b'", true},
      {"rack starts with '7'", false},
      {"rack ends with '7'", true},
      {"missing contains ''", false},
      {"has(rack)", true},
      {"has( missing )", false},
      {"!has(missing)", true},
      {"!!has(missing)", false},
      {"! role == 'rr'", false},
      {"in == 'x'", true},
      {"has == 'y'", true},
      {"has(role) && has(missing)", false},
      {"has(missing) || has(role)", true},
      // && binds tighter than ||.
      {"has(role) || has(role) && has(missing)", true},
      {"(has(role) || has(role)) && has(missing)", false},
      {"!(has(missing) || role == 'worker') && rack != ''", true},
      {"role == 'rr'\n  && all()", true},
  };
  for (const auto& row : rows) {
    const auto selector = Selector::parse(row.text);
    ASSERT_TRUE(selector) << row.text << ": " << selector.error().message();
    EXPECT_EQ(selector->matches(kLabels), row.chosen) << row.text;
    EXPECT_EQ(selector->text(), row.text);
  }
  EXPECT_FALSE(Selector::parse("role == 'rr'")->matches({}));
}

TEST(Selector, SaysWhereItCannotBeRead) {
  const struct {
    const char *text, *message;
  } rows[] = {
      {"role", "at character 5: ==, !=, in, not in, contains, starts with or ends with needed"},
      {"role = 'rr'", "at character 6: ==, !=, in"},
      {"role == rr", "at character 9: a string in quotes needed"},
      {"role == 'rr", "at character 9: the string's end needed"},
      {"role ==", "at character 8: a string in quotes needed"},
      {"role in 'rr'", "at character 9: '{' needed"},
      {"role in {'rr'", "at character 14: ',' or '}' needed"},
      {"role in {'rr',}", "at character 15: a string in quotes needed"},
      {"role in {,}", "a string in quotes needed"},
      {"role not 'rr'", "at character 10: ==, !=, in"},
      {"role starts 'rr'", "starts with or ends with needed"},
      {"has(", "at character 5: the name of a label needed"},
      {"has(role", "at character 9: ')' needed"},
      {"all(role)", "at character 5: ')' needed"},
      {"(all()", "at character 7: ')' needed"},
      {"all())", "at character 6: &&, || or the end needed"},
      {"all() all()", "at character 7: &&, || or the end needed"},
      {"all() &&", "at character 9: a label, has(), all(), ! or '(' needed"},
      {"all() & all()", "at character 7: &&, || or the end needed"},
      {"|| all()", "at character 1: a label"},
      {"!", "at character 2: a label"},
      {"()", "at character 2: a label"},
      {"role == 'rr' \x01", "&&, || or the end needed"},
      {"r\xc3\xb4le == 'rr'", "at character 2: ==, !=, in"},
  };
  for (const auto& row : rows) {
    const auto selector = Selector::parse(row.text);
    ASSERT_FALSE(selector) << row.text;
    EXPECT_THAT(selector.error().cause, HasSubstr(row.message)) << row.text;
    EXPECT_EQ(selector.error().object, row.text);
  }
}

TEST(Selector, TakesNoMoreParenthesesThanTheStackBears) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "all()" + std::string(depth, ')');
  };
  EXPECT_TRUE(Selector::parse(nested(100)));
  EXPECT_FALSE(Selector::parse(nested(101)));
  EXPECT_FALSE(Selector::parse(nested(1000000)));
  std::string negations(100000, '!');
  negations += "all()";
  EXPECT_TRUE(Selector::parse(negations)) << "one after the other";
}

}  // namespace
}  // namespace sextant::sources
