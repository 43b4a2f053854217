#include "sources/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::sources {
namespace {

using testing::HasSubstr;
using Kind = Value::Kind;

Value parse_one(std::string_view text) {
  auto documents = parse_yaml(text);
  EXPECT_TRUE(documents) << text;
  if (!documents || documents->size() != 1) return {};
  return std::move(documents->front());
}

TEST(Yaml, types_plain_scalars_as_kubernetes_does) {
  const struct {
    std::string_view text;
    Kind kind;
  } rows[] = {
      {"a: 94", Kind::kNumber},
      {"a: -1", Kind::kNumber},
      {"a: 0x1f", Kind::kNumber},
      {"a: 1.5", Kind::kNumber},
      {"a: 1e3", Kind::kNumber},
      {"a: '94'", Kind::kString},
      {"a: \"94\"", Kind::kString},
      {"a: !!str 94", Kind::kString},
      {"a: !!int '94'", Kind::kNumber},
      {"a: true", Kind::kBool},
      {"a: off", Kind::kBool},
      {"a: 'true'", Kind::kString},
      {"a:", Kind::kNull},
      {"a: ~", Kind::kNull},
      {"a: null", Kind::kNull},
      {"a: ''", Kind::kString},
      {"a: 10.0.1.1", Kind::kString},
      {"a: fcff:6::1", Kind::kString},
      {"a: ::1", Kind::kString},
      {"a: 1-2", Kind::kString},
      {"a: 10.0.1.0/24", Kind::kString},
      {"a: 0x", Kind::kString},
      {"a: .", Kind::kString},
      {"a: []", Kind::kList},
      {"a: {}", Kind::kMap},
      {"a: |\n  x\n", Kind::kString},
      {"a: 5eg", Kind::kString},
  };
  for (const auto& row : rows) {
    const auto document = parse_one(row.text);
    ASSERT_NE(document.find("a"), nullptr) << row.text;
    EXPECT_EQ(document.find("a")->kind, row.kind) << row.text;
  }
}

TEST(Yaml, gives_each_value_its_place) {
  const auto documents = parse_yaml("---\na: 1\n---\nb:\n- x: [p,\n  q]\n");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2U);
  const auto& second = (*documents)[1];
  const auto& q = second.items[0].items[0].items[0].items[1];
  EXPECT_EQ(q.text, "q");
  EXPECT_EQ(q.line, 6U);
  EXPECT_EQ(q.column, 3U);
  EXPECT_EQ(path_of(second, q), "b[0].x[1]");
}

TEST(Yaml, reads_json_with_tabs_and_escapes) {
  const auto document = parse_one(
      "{\n\t\"kind\": \"List\",\n\t\"items\": [\n\t\t{\"a\\/b\": \"\\u00e9\", \"n\": 1}\n\t]\n}\n");
  ASSERT_EQ(document.kind, Kind::kMap);
  const auto& item = document.find("items")->items.at(0);
  EXPECT_EQ(item.find("a/b")->text, "\xc3\xa9");
  EXPECT_EQ(item.find("n")->kind, Kind::kNumber);
  EXPECT_EQ(item.line, 4U);
}

TEST(Yaml, follows_aliases_within_a_document_and_up_to_a_bound) {
  EXPECT_EQ(parse_one("a: &x [1, 2]\nb: *x\n").find("b")->items.size(), 2U);
  EXPECT_FALSE(parse_yaml("a: &x 1\n---\nb: *x\n"));
  EXPECT_FALSE(parse_yaml("a: &x [*x]\n"));
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += last + (j < 9 ? ", " : "]\n");
  }
  const auto bounded = parse_yaml(laughs);
  ASSERT_FALSE(bounded);
  EXPECT_THAT(bounded.error().reason, HasSubstr("too many values"));
}

TEST(Yaml, says_where_text_is_malformed) {
  const struct {
    std::string text;
    std::uint32_t line, column;
    std::string_view reason;
  } rows[] = {
      {"a: 1\nb: [1, 2\nc: 3\n", 3, 2, "did not find expected ',' or ']'"},
      {"a: 1\n\tb: 2\n", 2, 1, "tab character that violates indentation"},
      {"a: b: c\n", 1, 5, "mapping values are not allowed"},
      {"a: 1\nb: \xff\n", 2, 4, "UTF-8"},
      {"a: 'x\n", 2, 1, "unexpected end of stream"},
      {"[a]: 1\n", 1, 1, "as the key of a map"},
      {std::string(5000, '['), 1, 65, "nested too deeply"},
  };
  for (const auto& row : rows) {
    const auto result = parse_yaml(row.text);
    ASSERT_FALSE(result) << row.text.substr(0, 40);
    EXPECT_THAT(result.error().reason, HasSubstr(std::string(row.reason)));
    EXPECT_EQ(result.error().line, row.line) << row.text.substr(0, 40) << result.error().reason;
    EXPECT_EQ(result.error().column, row.column) << row.text.substr(0, 40);
  }
}

TEST(Yaml, adds_the_lines_before_to_places_and_errors) {
  EXPECT_EQ((*parse_yaml("a: 1", 10))[0].line, 11U);
  EXPECT_EQ(parse_yaml("a: b: c", 10).error().line, 11U);
}

TEST(Yaml, empty_text_has_no_documents) {
  EXPECT_TRUE(parse_yaml("")->empty());
  EXPECT_TRUE(parse_yaml("# only a comment\n")->empty());
  EXPECT_EQ(parse_yaml("---\n---\n")->size(), 2U);
}

}  // namespace
}  // namespace sextant::sources
