#include "sources/kubernetes/locator_claim.h"

#include <gtest/gtest.h>

#include <set>

namespace sextant::kubernetes {
namespace {

IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }

LocatorPool pool(const char* text, int length) {
  return LocatorPool::make(prefix(text), length, overlay::LocatorReach::kOnLink).value();
}

TEST(LocatorPool, RefusesWhatCannotBePools) {
  const auto reach = overlay::LocatorReach::kOnLink;
  EXPECT_FALSE(LocatorPool::make(prefix("10.0.0.0/8"), 24, reach));
  EXPECT_FALSE(LocatorPool::make(prefix("fcbb::/32"), 24, reach)) << "blocks larger than the pool";
  EXPECT_FALSE(LocatorPool::make(prefix("fcbb::/16"), 64, reach)) << "2^48 blocks";
  EXPECT_FALSE(LocatorPool::make(prefix("fcbb::/96"), 120, reach)) << "no room for functions";
  EXPECT_TRUE(LocatorPool::make(prefix("fcbb::/48"), 48, reach)) << "a pool of one block";
}

TEST(LocatorPool, CountsAndNamesItsBlocks) {
  const auto blocks = pool("fcbb:bb00::/32", 48);
  EXPECT_EQ(blocks.blocks(), 65536U);
  EXPECT_EQ(blocks.block(0), prefix("fcbb:bb00::/48"));
  EXPECT_EQ(blocks.block(0x12ab), prefix("fcbb:bb00:12ab::/48"));
  EXPECT_EQ(pool("fc00::/20", 28).block(0x81), prefix("fc00:810::/28"));
  EXPECT_EQ(block_name(prefix("fcbb:bb00:1::/48")), "fcbb-bb00-0001-48");
  EXPECT_EQ(block_name(prefix("fc00:810::/28")), "fc00-0810-28");
  EXPECT_NE(block_name(prefix("fcbb:bb00:1::/48")), block_name(prefix("fcbb:bb00:1::/64")));
}

TEST(ChooseBlock, AsksForTheSameAgainAndSpreadsNodes) {
  const auto blocks = pool("fcbb:bb00::/32", 48);
  std::set<IpPrefix> chosen;
  for (int i = 0; i < 1000; ++i) {
    const auto name = "worker" + std::to_string(i);
    const auto block = choose_block(blocks, name, {});
    ASSERT_TRUE(block);
    EXPECT_TRUE(blocks.prefix.contains(*block));
    EXPECT_EQ(block, choose_block(blocks, name, {}));
    chosen.insert(*block);
  }
  EXPECT_GT(chosen.size(), 980U) << "1,000 nodes of 65,536 blocks: some 8 meet";
}

TEST(ChooseBlock, TakesEveryBlockOfAPoolOnceAndThenNone) {
  const auto blocks = pool("fcbb:bb00::/44", 48);
  std::vector<IpPrefix> taken;
  for (int i = 0; i < 16; ++i) {
    const auto block = choose_block(blocks, "n" + std::to_string(i), taken);
    ASSERT_TRUE(block) << i;
    for (const auto& other : taken) EXPECT_FALSE(block->overlaps(other));
    taken.push_back(*block);
  }
  EXPECT_FALSE(choose_block(blocks, "n16", taken)) << "exhausted";
}

TEST(ChooseBlock, SkipsWhatOverlapsInEitherDirection) {
  const auto blocks = pool("fcbb:bb00::/46", 48);
  const std::vector<IpPrefix> taken{prefix("fcbb:bb00::/47"),         // two blocks
                                    prefix("fcbb:bb00:2:8000::/64"),  // a part of the third
                                    prefix("fd00::/8")};              // elsewhere
  for (const auto* name : {"a", "b", "c", "d", "e"})
    EXPECT_EQ(choose_block(blocks, name, taken), prefix("fcbb:bb00:3::/48")) << name;
  EXPECT_FALSE(choose_block(blocks, "a", {prefix("fcbb::/16")})) << "somebody has it whole";
}

TEST(ChooseBlock, APoolOfThirtyTwoBits) {
  const auto blocks = pool("fcbb:bb00::/32", 64);
  EXPECT_TRUE(choose_block(blocks, "worker1", {prefix("fcbb:bb00::/33")}));
  EXPECT_FALSE(
      choose_block(blocks, "worker1", {prefix("fcbb:bb00::/33"), prefix("fcbb:bb00:8000::/33")}));
}

}  // namespace
}  // namespace sextant::kubernetes
