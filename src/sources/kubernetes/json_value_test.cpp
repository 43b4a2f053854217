#include "sources/kubernetes/json_value.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "sources/object.h"

namespace sextant::kubernetes {
namespace {

using sources::Reading;
using sources::Value;

TEST(JsonValue, KeepsKindsTextsAndTheOrderOfKeys) {
  const auto value = value_of(boost::json::parse(
      R"({"b": [1, -2, 3.5, 18446744073709551615], "a": {"x": "fcff:6::", "y": ""}, "c": null,
          "d": true})"));
  ASSERT_EQ(value.kind, Value::Kind::kMap);
  EXPECT_EQ(value.keys, (std::vector<std::string>{"b", "a", "c", "d"}));
  const auto& numbers = value.find("b")->items;
  ASSERT_EQ(numbers.size(), 4U);
  EXPECT_EQ(numbers[0].kind, Value::Kind::kNumber);
  EXPECT_EQ(numbers[0].text, "1");
  EXPECT_EQ(numbers[1].text, "-2");
  EXPECT_EQ(numbers[3].text, "18446744073709551615");
  EXPECT_EQ(value.find("a")->find("x")->kind, Value::Kind::kString);
  EXPECT_EQ(value.find("a")->find("x")->text, "fcff:6::");
  EXPECT_EQ(value.find("c")->kind, Value::Kind::kNull);
  EXPECT_EQ(value.find("d")->kind, Value::Kind::kBool);
}

TEST(JsonValue, IsReadAsAManifestIs) {
  Reading reading;
  read_document(value_of(boost::json::parse(R"({
    "apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Policy", "metadata": {"name": "gold"},
    "spec": {"color": 94, "endpoint": {"nodeName": "worker2"}, "candidatePaths": [
      {"preference": 200, "segmentLists": [{"weight": 3, "segments": ["r6", "fcff:8::1"]}]}]}})")),
                "", reading);
  ASSERT_EQ(reading.objects.size(), 1U);
  const auto& object = reading.objects.front();
  EXPECT_TRUE(object.usable);
  EXPECT_TRUE(object.findings.empty());
  ASSERT_EQ(object.policies.size(), 1U);
  EXPECT_EQ(object.policies[0].color.value, 94U);
  EXPECT_EQ(object.policies[0].paths.at(0).lists.at(0).weight, 3U);
}

}  // namespace
}  // namespace sextant::kubernetes
