#include "cli/output.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sextant::cli {
namespace {

namespace json = boost::json;

TEST(Output, IndentsJsonAndKeepsItsMeaning) {
  const auto value = json::parse(R"({"a": [1, {"b": null}], "c": {}, "d": [], "e": "x\"y"})");
  const auto text = indented_json(value);
  EXPECT_EQ(json::parse(text), value);
  EXPECT_EQ(text,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": [],\n  \"e\": \"x\\\"y\"\n}\n");
}

TEST(Output, QuotesInYamlWhatWouldReadAsAnotherType) {
  const auto value = json::parse(R"({"plain": "End.DT4", "yes": "yes", "number": "10",
    "address": "fd12::1000", "prefix": "172.16.1.0/26", "empty": "", "tilde": "~",
    "real": 10, "flag": true, "none": null, "list": [], "map": {}, "text": "a: b # c\nd"})");
  const auto node = YAML::Load(yaml(value));
  for (const auto& [key, member] : value.as_object()) {
    if (!member.is_string()) continue;
    EXPECT_EQ(node[std::string(key)].as<std::string>(), std::string(member.get_string()));
  }
  EXPECT_EQ(node["real"].as<int>(), 10);
  EXPECT_TRUE(node["flag"].as<bool>());
  EXPECT_TRUE(node["none"].IsNull());
  EXPECT_TRUE(node["list"].IsSequence());
  EXPECT_TRUE(node["map"].IsMap());
  const auto text = yaml(value);
  for (const auto* line : {"plain: End.DT4\n", "\"yes\"\n", "number: \"10\"\n", "tilde: \"~\"\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
}

}  // namespace
}  // namespace sextant::cli
