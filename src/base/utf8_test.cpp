#include "base/utf8.h"

#include <gtest/gtest.h>

#include <vector>

namespace sextant {
namespace {

TEST(Utf8, KeepsWhatIsWellFormedAndReplacesEachByteThatIsNot) {
  struct Row {
    std::string bytes;
    std::string text;
  };
  const std::string bad = "\xef\xbf\xbd";
  const std::vector<Row> rows{
      {"", ""},
      {"plain \"quoted\"\n", "plain \"quoted\"\n"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
      {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xff", bad},
      {"a\x80z", "a" + bad + "z"},
      {"\xc3", bad},
      {"\xe2\x82", bad + bad},
      {"\xe2\x82z", bad + bad + "z"},
      {"\xc0\x80", bad + bad},            // overlong
      {"\xe0\x9f\xbf", bad + bad + bad},  // overlong
      {"\xed\xa0\x80", bad + bad + bad},  // a surrogate
      {"\xed\x9f\xbf", "\xed\x9f\xbf"},   // the last before the surrogates
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"\xf4\x90\x80\x80", bad + bad + bad + bad},  // above U+10FFFF
  };
  for (const auto& row : rows) EXPECT_EQ(as_utf8(row.bytes), row.text);
}

}  // namespace
}  // namespace sextant
