#include "dataplane/linux/prefix_cover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace sextant::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

/// The cover, followed by its changes alone.
class Followed {
 public:
  PrefixCover cover;
  const std::set<IpPrefix>& follow() {
    const auto change = cover.take_change();
    for (const auto& each : change.removed) EXPECT_EQ(present_.erase(each), 1U) << each.to_string();
    for (const auto& each : change.added) EXPECT_TRUE(present_.insert(each).second);
    return present_;
  }

 private:
  std::set<IpPrefix> present_;
};

TEST(PrefixCover, HidesWhatLiesInsideAnotherAndShowsItAgain) {
  Followed followed;
  followed.cover.insert(prefix("fcdd:0:0:a:5::/128"));
  followed.cover.insert(prefix("fcdd:0:0:a:7::/128"));
  EXPECT_EQ(followed.follow().size(), 2U);
  followed.cover.insert(prefix("fcdd:0:0:a::/64"));
  EXPECT_THAT(followed.follow(), ElementsAre(prefix("fcdd:0:0:a::/64")));
  followed.cover.erase(prefix("fcdd:0:0:a:5::/128"));
  EXPECT_THAT(followed.follow(), ElementsAre(prefix("fcdd:0:0:a::/64")));
  followed.cover.erase(prefix("fcdd:0:0:a::/64"));
  EXPECT_THAT(followed.follow(), ElementsAre(prefix("fcdd:0:0:a:7::/128")));
  followed.cover.erase(prefix("fcdd:0:0:a:7::/128"));
  EXPECT_THAT(followed.follow(), IsEmpty());
}

TEST(PrefixCover, RegularLocatorsAreFewElements) {
  Followed followed;
  for (int i = 0; i < 4096; ++i) {
    Ipv6Address::Bytes bytes{0xfc, 0xdd};
    bytes[6] = static_cast<std::uint8_t>(i >> 8);
    bytes[7] = static_cast<std::uint8_t>(i);
    followed.cover.insert(IpPrefix(Ipv6Address(bytes), 64));
  }
  EXPECT_THAT(followed.follow(), ElementsAre(prefix("fcdd::/52")));
}

// A space of five bits: every prefix can be tried against every address.
TEST(PrefixCover, CoversExactlyTheMembersWithoutOverlapWhateverComesAndGoes) {
  std::mt19937 random(7);
  const auto below = [&](unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random);
  };
  for (int sequence = 0; sequence < 40; ++sequence) {
    Followed followed;
    std::set<IpPrefix> members;
    for (int step = 0; step < 60; ++step) {
      Ipv6Address::Bytes bytes{};
      bytes[0] = static_cast<std::uint8_t>(below(32) << 3);
      const IpPrefix prefix(Ipv6Address(bytes), static_cast<std::uint8_t>(below(6)));
      if (below(3) == 0 && !members.empty()) {
        const auto gone = *std::next(members.begin(), below(static_cast<unsigned>(members.size())));
        followed.cover.erase(gone);
        members.erase(gone);
      } else {
        followed.cover.insert(prefix);
        members.insert(prefix);
      }
      if (below(2) == 0) continue;
      const auto& present = followed.follow();
      for (unsigned i = 0; i < 32; ++i) {
        bytes[0] = static_cast<std::uint8_t>(i << 3);
        const IpAddress address{Ipv6Address(bytes)};
        const auto holds = [&](const IpPrefix& each) { return each.contains(address); };
        ASSERT_EQ(std::ranges::count_if(present, holds),
                  std::ranges::any_of(members, holds) ? 1 : 0)
            << "sequence " << sequence << " step " << step << " " << address.to_string();
      }
    }
  }
}

}  // namespace
}  // namespace sextant::dataplane
