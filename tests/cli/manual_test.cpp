// The manual pages, read by programs that know the language.
#include <gtest/gtest.h>

#include "programs.h"

namespace sextant {
namespace {

constexpr const char* kPages[] = {"sextant", "sextantd", "sextant-cni"};

TEST(Manual, IsCleanForMandoc) {
  if (!test::installed("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  for (const auto* page : kPages) {
    const auto roff = test::sextant({"man", page});
    ASSERT_EQ(roff.status, 0) << roff.err;
    const auto lint = test::run({"mandoc", "-T", "lint", "-W", "warning"}, roff.out);
    EXPECT_EQ(lint.out + lint.err, "") << page;
    EXPECT_EQ(lint.status, 0) << page;
  }
}

TEST(Manual, ReadsAsText) {
  if (!test::installed("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  const auto roff = test::sextant({"man"});
  const auto text = test::run({"mandoc", "-T", "ascii", "-O", "width=100"}, roff.out);
  const auto plain = test::run({"col", "-b"}, text.out);
  const auto& words = plain.status == 0 ? plain.out : text.out;
  for (const auto* part : {"SEXTANT(1)", "--output", "sextant status", "EXIT STATUS"})
    EXPECT_NE(words.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace sextant
