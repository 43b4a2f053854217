#include "base/base64.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

// RFC 4648 section 10.
TEST(Base64, IsAsTheStandardHasIt) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

TEST(Base64, ReadsWhatItWrites) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"),
                                  std::string("abc"), std::string("\0\xff", 2)})
    EXPECT_EQ(from_base64(to_base64(text)), text);
  EXPECT_EQ(from_base64("YWJj\n ZA==\n"), "abcd");
  for (const std::string bad : {"a", "ab=c", "a===", "====", "YWJ%", "YQ", "YQ==YQ==", "YQ=Y"})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace sextant
