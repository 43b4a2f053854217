#include "srv6/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string_view>

namespace sextant::srv6 {
namespace {

Sid sid(std::string_view text) { return Sid::parse(text).value(); }
Originator originator(std::uint32_t asn, std::string_view address) {
  return {asn, Ipv6Address::parse(address).value()};
}

/// A candidate path for the tables; the defaults are a valid path.
struct Path {
  std::string_view name;
  std::uint32_t preference = 100;
  ProtocolOrigin origin = kOriginConfiguration;
  Originator from = {};
  std::uint32_t discriminator = 0;
  std::string_view invalid = {};
  std::vector<SegmentList> lists = {{{sid("fcff:6::1")}, 1}};

  [[nodiscard]] CandidatePathKey key() const { return {origin, from, discriminator}; }
  [[nodiscard]] CandidatePath candidate() const {
    return {.key = key(),
            .name = std::string(name),
            .preference = preference,
            .lists = lists,
            .binding_sid = std::nullopt,
            .invalid_reason = std::string(invalid)};
  }
};

struct Row {
  std::string_view rule;  // of RFC 9256
  std::vector<Path> paths;
  std::string_view active;  // its name; empty: none
  std::optional<CandidatePathKey> installed = std::nullopt;
};

const Originator kLow = originator(64512, "::c000:201");
const Originator kHigh = originator(64512, "::c000:202");

std::vector<Row> rows() {
  const Path bgp{.name = "bgp", .origin = kOriginBgp};
  const Path low{.name = "low", .origin = kOriginBgp, .from = kLow, .discriminator = 1};
  const Path high{.name = "high", .origin = kOriginBgp, .from = kHigh, .discriminator = 2};
  Path invalid_high = high;
  invalid_high.invalid = "the first SID is not reachable";
  Path preferred_low = low;
  preferred_low.preference = 101;
  return {
      {"2.9: no path", {}, ""},
      {"2.9: one path", {bgp}, "bgp"},
      {"2.9: only valid paths",
       {{.name = "invalid", .preference = 200, .invalid = "ends at another node"}, bgp},
       "bgp"},
      {"2.9: no valid path", {{.name = "invalid", .invalid = "too deep"}}, ""},
      {"5.1: a path without a list is invalid",
       {{.name = "none", .preference = 200, .lists = {}}, bgp},
       "bgp"},
      {"5.1: a path of empty lists is invalid",
       {{.name = "empty", .preference = 200, .lists = {{{}, 1}}}, bgp},
       "bgp"},
      {"5.1: a path of lists with weight 0 is invalid",
       {{.name = "weight", .preference = 200, .lists = {{{sid("fcff:6::1")}, 0}}}, bgp},
       "bgp"},
      {"5.1: one valid list makes a path valid",
       {{.name = "half", .preference = 200, .lists = {{{}, 1}, {{sid("fcff:6::1")}, 1}}}, bgp},
       "half"},
      {"2.9: highest preference",
       {{.name = "100"}, {.name = "200", .preference = 200}, {.name = "150", .preference = 150}},
       "200"},
      {"2.9: preference before tie-break 1",
       {{.name = "configured"}, {.name = "bgp", .preference = 101, .origin = kOriginBgp}},
       "bgp"},
      {"2.9: the whole range of preferences",
       {{.name = "least", .preference = 0}, {.name = "most", .preference = 0xffffffff}},
       "most"},
      {"2.9: preference before tie-break 2", {preferred_low, high}, "low", high.key()},
      {"2.9 tie-break 1: higher protocol origin",
       {{.name = "pcep", .origin = kOriginPcep}, bgp, {.name = "configured"}},
       "configured"},
      {"2.9 tie-break 1: an origin of one's own",
       {{.name = "configured"}, {.name = "own", .origin = ProtocolOrigin{31}}},
       "own"},
      {"2.9 tie-break 1 before 2", {bgp, {.name = "configured"}}, "configured", bgp.key()},
      {"2.9 tie-break 1 before 3",
       {{.name = "bgp", .origin = kOriginBgp}, {.name = "configured", .from = kHigh}},
       "configured"},
      {"2.9 tie-break 1 before 4",
       {{.name = "bgp", .origin = kOriginBgp, .discriminator = 9}, {.name = "configured"}},
       "configured"},
      {"2.9 tie-break 2: the installed path", {low, high}, "high", high.key()},
      {"2.9 tie-break 2: not where it became invalid", {low, invalid_high}, "low", high.key()},
      {"2.9 tie-break 2: not where it went away",
       {low, high},
       "low",
       CandidatePathKey{kOriginBgp, originator(64513, "::1"), 7}},
      {"2.9 tie-break 3: lower AS of the originator",
       {{.name = "64513", .from = originator(64513, "::")},
        {.name = "64512", .from = originator(64512, "ffff::")}},
       "64512"},
      {"2.9 tie-break 3: lower address of the originator", {low, high}, "low"},
      {"2.9 tie-break 3: an IPv4 address stands in the lowest 32 bits (2.4)",
       {{.name = "v6", .from = originator(64512, "fd00::1")},
        {.name = "v4", .from = originator(64512, "::ffff:ffff")}},
       "v4"},
      {"2.9 tie-break 3 before 4",
       {{.name = "low", .from = kLow, .discriminator = 1},
        {.name = "high", .from = kHigh, .discriminator = 2}},
       "low"},
      {"2.9 tie-break 4: higher discriminator",
       {{.name = "1", .discriminator = 1},
        {.name = "4294967295", .discriminator = 0xffffffff},
        {.name = "2", .discriminator = 2}},
       "4294967295"},
      {"2.13: the summary's example",
       {{.name = "CP1",
         .preference = 200,
         .origin = kOriginBgp,
         .from = originator(100, "::101:101"),
         .discriminator = 1},
        {.name = "CP2",
         .preference = 100,
         .origin = kOriginBgp,
         .from = originator(100, "::202:202"),
         .discriminator = 2}},
       "CP1"},
      {"beyond the RFC, two paths of one key: by name",
       {{.name = "beta"}, {.name = "alpha"}, {.name = "gamma"}},
       "alpha"},
      {"beyond the RFC, two paths of the installed key: by name",
       {low,
        {.name = "beta", .origin = kOriginBgp, .from = kHigh, .discriminator = 2},
        {.name = "alpha", .origin = kOriginBgp, .from = kHigh, .discriminator = 2}},
       "alpha",
       high.key()},
  };
}

TEST(SelectActive, FollowsRfc9256InEveryOrderOfThePaths) {
  for (const auto& row : rows()) {
    std::vector<std::size_t> order(row.paths.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
      std::vector<CandidatePath> paths;
      for (const auto index : order) paths.push_back(row.paths[index].candidate());
      const auto active = select_active(paths, row.installed);
      EXPECT_EQ(active ? paths[*active].name : "", row.active)
          << row.rule << ", order " << ::testing::PrintToString(order);
    } while (std::ranges::next_permutation(order).found);
  }
}

TEST(SelectActive, TellsPathsOfOneKeyAndNameApartByTheirLists) {
  auto one = Path{.name = "same"}.candidate();
  auto other = one;
  other.lists[0].segments[0] = sid("fcff:7::1");
  for (const auto& paths : {std::vector{one, other}, std::vector{other, one}}) {
    EXPECT_EQ(paths[select_active(paths).value()], one);
  }
  other = one;
  other.binding_sid = sid("cafe::1");
  for (const auto& paths : {std::vector{one, other}, std::vector{other, one}}) {
    EXPECT_EQ(paths[select_active(paths).value()], one);
  }
}

TEST(SelectActive, TakesTheFirstOfEqualPaths) {
  const auto path = Path{.name = "same"}.candidate();
  EXPECT_EQ(select_active(std::vector{path, path, path}), 0U);
}

TEST(SelectActiveProperty, IsStableAndIndependentOfOrder) {
  std::mt19937 random(9256);
  const auto upto = [&random](std::uint32_t top) {
    return static_cast<std::uint32_t>(random() % (top + 1));
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<CandidatePath> paths;
    for (std::uint32_t i = 0; i <= upto(7); ++i) {
      // Few values, so that each tie-break is reached.
      Path path{.name = i % 2 == 0 ? "even" : "odd", .preference = upto(1)};
      path.origin = upto(1) == 0 ? kOriginBgp : kOriginPcep;
      path.from.asn = upto(1);
      path.discriminator = upto(2);
      path.invalid = upto(3) == 0 ? "unreachable" : "";
      paths.push_back(path.candidate());
    }
    const auto first = select_active(paths);
    const auto any_valid = std::ranges::any_of(paths, &CandidatePath::valid);
    ASSERT_EQ(first.has_value(), any_valid);
    if (!first) continue;
    const auto active = paths[*first];
    ASSERT_TRUE(active.valid());
    std::ranges::shuffle(paths, random);
    ASSERT_EQ(paths[select_active(paths).value()], active);
    // What is chosen stays chosen: no flapping when it is installed.
    ASSERT_EQ(paths[select_active(paths, active.key).value()], active);
  }
}

TEST(CandidatePathKey, DefaultsAreTheRfcs) {
  EXPECT_EQ(kOriginPcep.value, 10);  // table 1
  EXPECT_EQ(kOriginBgp.value, 20);
  EXPECT_EQ(kOriginConfiguration.value, 30);
  EXPECT_EQ(CandidatePath{}.preference, 100U);  // section 2.7
  EXPECT_EQ(SegmentList{}.weight, 1U);          // section 2.2
}

}  // namespace
}  // namespace sextant::srv6
