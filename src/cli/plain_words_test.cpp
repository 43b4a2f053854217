#include "cli/plain_words.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

namespace sextant::cli {
namespace {

using ::testing::ElementsAre;

TEST(PlainWords, PassThroughTheParserAsTheyAre) {
  const std::array argv{"program", "--", "patch", "[1,2]", "[{\"op\": \"remove\"}]", "[", "a,b"};
  CLI::App app;
  std::vector<std::string> given;
  app.add_option("WORDS", given);
  auto words = quote_words(static_cast<int>(argv.size()), argv.data());
  words.erase(words.begin());
  std::ranges::reverse(words);  // as CLI11 wants it
  app.parse(words);
  EXPECT_THAT(plain_words(given),
              ElementsAre("patch", "[1,2]", "[{\"op\": \"remove\"}]", "[", "a,b"));
}

TEST(PlainWords, BeforeTheDashesAreLeftAlone) {
  const std::array argv{"program", "[1,2]", "--name", "x"};
  EXPECT_THAT(quote_words(static_cast<int>(argv.size()), argv.data()),
              ElementsAre("program", "[1,2]", "--name", "x"));
}

}  // namespace
}  // namespace sextant::cli
