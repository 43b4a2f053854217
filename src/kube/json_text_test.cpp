#include "kube/json_text.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <string>

namespace sextant::kube {
namespace {

TEST(ObjectParser, ReadsLargeObjectsWithoutEnd) {
  // Larger than the parser's own memory; so many that memory which only grows would be exhausted.
  constexpr std::size_t kObjects = 200, kTextSize = 100'000;
  const std::string text =
      R"({"metadata":{"name":"n1"},"filler":")" + std::string(kTextSize, 'x') + R"("})";
  ObjectParser parser;
  for (std::size_t i = 0; i < kObjects; ++i) {
    const auto* const object = parser.parse(text);
    ASSERT_NE(object, nullptr) << i << ": " << parser.error();
    const boost::json::object copy(*object);  // lies in the parser's memory too
    ASSERT_EQ(key_of(copy), "n1");
  }
}

}  // namespace
}  // namespace sextant::kube
