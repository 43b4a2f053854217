// Lists and watches, cut into objects whatever pieces they arrive in.
#include <gtest/gtest.h>

#include "kube/item_splitter.h"
#include "kube/line_splitter.h"

namespace sextant::kube {
namespace {

using Texts = std::vector<std::string>;

struct Split {
  Texts items;
  Result<std::string> envelope;
};

/// `text` given in pieces of `size` bytes.
Split split(const std::string& text, std::size_t size, std::size_t limit = 1000) {
  Split made;
  ItemSplitter splitter(limit, [&](std::string_view item) { made.items.emplace_back(item); });
  for (std::size_t at = 0; at < text.size(); at += size)
    if (auto added = splitter.add(std::string_view(text).substr(at, size)); !added) {
      made.envelope = tl::unexpected(added.error());
      return made;
    }
  made.envelope = splitter.finish();
  return made;
}

TEST(ItemSplitter, CutsItemsOutInPiecesOfAnySize) {
  const std::string text =
      R"({"kind":"items", "metadata" : {"continue":"items","items":[{"not":1}]},)"
      R"("items" : [ {"a":"}]\"{\\"} ,{"items":[{},[1]], "b":{}}, {} ],"z":[1]} )";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const auto made = split(text, size);
    ASSERT_TRUE(made.envelope) << size << " " << made.envelope.error().message();
    EXPECT_EQ(made.items, (Texts{R"({"a":"}]\"{\\"})", R"({"items":[{},[1]],"b":{}})", "{}"}))
        << size;
    EXPECT_EQ(*made.envelope,
              R"({"kind":"items","metadata":{"continue":"items","items":[{"not":1}]},)"
              R"("items":[],"z":[1]})");
  }
}

TEST(ItemSplitter, TakesAListWithoutItems) {
  for (const std::string text : {R"({"items":null})", R"({"items":[]})", "{}"}) {
    const auto made = split(text, 3);
    ASSERT_TRUE(made.envelope) << text;
    EXPECT_EQ(*made.envelope, text);
    EXPECT_TRUE(made.items.empty());
  }
}

TEST(ItemSplitter, RefusesWhatIsNoList) {
  for (const std::string text : {"", "[]", "7", "{}{}", R"({"items":[1]})", R"({"items":["a"]})",
                                 R"({"items":[{)", R"({"a":"b)", "nonsense"})
    EXPECT_FALSE(split(text, 2).envelope) << text;
}

TEST(ItemSplitter, IsBounded) {
  const std::string large(2000, 'x');
  EXPECT_FALSE(split(R"({"items":[{"a":")" + large + "\"}]}", 100).envelope);
  EXPECT_FALSE(split(R"({"a":")" + large + "\"}", 100).envelope);
  // The sum of the items is not: it is not kept.
  std::string many = R"({"items":[{})";
  for (int i = 0; i < 2000; ++i) many += ",{}";
  EXPECT_EQ(split(many + "]}", 100).items.size(), 2001U);
}

TEST(LineSplitter, CutsLinesInPiecesOfAnySize) {
  const std::string text = "one\n\ntwo two\nthree";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineSplitter lines(100);
    Texts got;
    for (std::size_t at = 0; at < text.size(); at += size)
      ASSERT_TRUE(lines.add(std::string_view(text).substr(at, size), [&](std::string_view line) {
        got.emplace_back(line);
        return true;
      }));
    EXPECT_EQ(got, (Texts{"one", "two two"})) << size;  // the last one has not ended
  }
}

TEST(LineSplitter, IsBoundedAndStopsWhenTold) {
  const auto fine = [](std::string_view) { return true; };
  LineSplitter lines(10);
  EXPECT_TRUE(lines.add("1234567890\n12345", fine));
  EXPECT_FALSE(lines.add("678901", fine));
  LineSplitter others(10);
  int count = 0;
  EXPECT_FALSE(others.add("a\nb\nc\n", [&](std::string_view) { return ++count < 2; }));
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace sextant::kube
