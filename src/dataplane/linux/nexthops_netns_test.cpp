#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/testing.h"
#include "dataplane/linux/nexthops.h"

namespace sextant::dataplane {
namespace {

using netlink::Attributes;
using netlink::Message;
using netlink::NexthopId;
using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;
using Shape = Nexthops::Shape;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }

WeightedNexthop towards(std::initializer_list<std::string_view> segments, std::uint32_t weight = 1,
                        Family family = Family::kIpv6) {
  Seg6Encap encap;
  for (const auto segment : segments) encap.segments.push_back(sid(segment));
  return {.content = {.family = family, .action = std::move(encap)}, .weight = weight};
}
const WeightedNexthop kBlackhole{.content = {.family = Family::kIpv6, .action = Blackhole{}}};

overlay::PathKey path(std::uint8_t node, std::optional<std::uint32_t> color = {}) {
  overlay::PathKey key{.endpoint =
                           Ipv6Address({0xfd, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, node})};
  if (color) key.color = srv6::Color{*color};
  return key;
}

class NexthopsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("nh");
    socket_.emplace(netns_->socket());
    expect(netlink::create_veth(*socket_, {.name = "outer", .up = true},
                                {.name = "peer", .up = true}));
    outer_ = expect(netlink::get_link(*socket_, "outer")).index;
    restart();
  }

  /// As a new agent: knows nothing but what the kernel has.
  void restart() {
    nexthops_ = Nexthops();
    expect(nexthops_.read(*socket_, outer_));
  }
  struct Put {
    NexthopId id;
    std::size_t writes;
  };
  /// Puts, and throws away what that left over, as the data plane does at the end of each change.
  Put put(const Nexthops::Key& key, Shape shape, const std::vector<WeightedNexthop>& wanted) {
    ApplyReport report;
    Writes writes(*socket_, report);
    const auto id = nexthops_.put(key, shape, wanted, writes);
    nexthops_.collect(writes);
    writes.flush();
    for (const auto& problem : report.problems) ADD_FAILURE() << problem.error.message();
    return {id, report.writes};
  }
  std::size_t collect() {
    ApplyReport report;
    Writes writes(*socket_, report);
    nexthops_.collect(writes);
    writes.flush();
    EXPECT_TRUE(report.ok());
    return report.writes;
  }

  /// What the kernel has: single nexthops with no entry, groups with their members' weights.
  std::map<NexthopId, std::vector<unsigned>> kernel() {
    std::map<NexthopId, std::vector<unsigned>> found;
    expect(socket_->dump(Message(RTM_GETNEXTHOP, 0, nhmsg{}), [&](const nlmsghdr& message) {
      const auto attributes = Attributes::of<nhmsg>(message);
      auto& weights = found[NexthopId{attributes.u32(NHA_ID).value_or(0)}];
      const auto group = attributes.bytes(NHA_GROUP).value_or(std::span<const std::uint8_t>{});
      for (std::size_t at = 0; at + sizeof(nexthop_grp) <= group.size();
           at += sizeof(nexthop_grp)) {
        nexthop_grp member{};
        std::memcpy(&member, group.data() + at, sizeof member);
        weights.push_back(member.weight + 1U);
      }
    }));
    return found;
  }

  std::optional<ScratchNetns> netns_;
  std::optional<netlink::Socket> socket_;
  netlink::IfIndex outer_{};
  Nexthops nexthops_;
};

TEST_F(NexthopsTest, APlainPathIsOneNexthop) {
  const auto first = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})});
  EXPECT_EQ(first.writes, 1U);
  EXPECT_EQ(nexthops_.find(path(1)), first.id);
  EXPECT_FALSE(nexthops_.find(path(2)));
  EXPECT_THAT(kernel(), SizeIs(1));
  const auto again = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})});
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.writes, 0U);
  const auto edited = put(path(1), Shape::kSingle, {towards({"fcff:1::1", "fcdd:1::12"})});
  EXPECT_EQ(edited.id, first.id);
  EXPECT_EQ(edited.writes, 1U);
  EXPECT_THAT(kernel(), SizeIs(1));
}

TEST_F(NexthopsTest, BothFamiliesAndDropsCanBePut) {
  put(path(1), Shape::kSingle, {towards({"fcdd:1::13"}, 1, Family::kIpv4)});
  put(path(2), Shape::kSingle, {kBlackhole});
  put(path(3), Shape::kSingle,
      {{.content = {.action = Seg6Local{.action = SEG6_LOCAL_ACTION_END_B6_ENCAP,
                                        .segments = {sid("fcff:1::1"), sid("fcdd:1::12")}}}}});
  EXPECT_THAT(kernel(), SizeIs(3));
  restart();
  EXPECT_EQ(put(path(1), Shape::kSingle, {towards({"fcdd:1::13"}, 1, Family::kIpv4)}).writes, 0U);
  EXPECT_EQ(put(path(2), Shape::kSingle, {kBlackhole}).writes, 0U);
}

TEST_F(NexthopsTest, APolicyIsAWeightedGroup) {
  const auto made = put(path(1, 4), Shape::kGroup,
                        {towards({"fcff:1::1", "fcdd:1::12"}, 3), towards({"fcdd:1::12"}, 1)});
  EXPECT_EQ(made.writes, 3U);
  EXPECT_THAT(kernel().at(made.id), ElementsAre(3U, 1U));
  const auto weights = put(path(1, 4), Shape::kGroup,
                           {towards({"fcff:1::1", "fcdd:1::12"}, 1), towards({"fcdd:1::12"}, 2)});
  EXPECT_EQ(weights.id, made.id);
  EXPECT_EQ(weights.writes, 1U) << "the group alone";
  EXPECT_THAT(kernel().at(made.id), ElementsAre(1U, 2U));
}

TEST_F(NexthopsTest, WeightsBeyondTheKernelsScaleKeepTheirRatio) {
  const auto weights_of = [&](std::vector<std::uint32_t> weights) {
    std::vector<WeightedNexthop> wanted;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      wanted.push_back(towards({i == 0 ? "fcff:1::1" : "fcff:2::1", "fcdd:1::12"}, weights[i]));
    }
    const auto id = put(path(1, 4), Shape::kGroup, wanted).id;
    return kernel().at(id);
  };
  EXPECT_THAT(weights_of({256, 1}), ElementsAre(256U, 1U));
  EXPECT_THAT(weights_of({512, 256}), ElementsAre(256U, 128U));
  EXPECT_THAT(weights_of({1000, 1}), ElementsAre(256U, 1U)) << "never none";
  EXPECT_THAT(weights_of({UINT32_MAX, UINT32_MAX}), ElementsAre(256U, 256U));
  EXPECT_THAT(weights_of({UINT32_MAX, 1U << 31}), ElementsAre(256U, 128U));
}

TEST_F(NexthopsTest, AnEditKeepsTheGroupAndLeavesNothingOver) {
  const auto id = put(path(1, 4), Shape::kGroup,
                      {towards({"fcff:1::1", "fcdd:1::12"}), towards({"fcff:2::1", "fcdd:1::12"})})
                      .id;
  // One list exchanged, one added, all but one removed, dropped, and back.
  const std::vector<std::vector<WeightedNexthop>> edits{
      {towards({"fcff:1::1", "fcdd:1::12"}), towards({"fcff:3::1", "fcdd:1::12"})},
      {towards({"fcff:1::1", "fcdd:1::12"}), towards({"fcff:3::1", "fcdd:1::12"}),
       towards({"fcff:4::1", "fcdd:1::12"}, 9)},
      {towards({"fcff:4::1", "fcdd:1::12"})},
      {kBlackhole},
      {towards({"fcff:1::1", "fcdd:1::12"}), towards({"fcff:1::1", "fcdd:1::12"}, 5)}};
  for (const auto& edit : edits) {
    EXPECT_EQ(put(path(1, 4), Shape::kGroup, edit).id, id);
    EXPECT_THAT(kernel(), SizeIs(edit.size() + 1));
    EXPECT_THAT(kernel().at(id), SizeIs(edit.size()));
    EXPECT_EQ(put(path(1, 4), Shape::kGroup, edit).writes, 0U);
  }
}

TEST_F(NexthopsTest, ARemovedPathGoesWithItsMembers) {
  put(path(1, 4), Shape::kGroup, {towards({"fcff:1::1"}), towards({"fcff:2::1"})});
  put(path(2), Shape::kSingle, {towards({"fcdd:2::12"})});
  nexthops_.remove(path(1, 4));
  nexthops_.remove(path(9));
  EXPECT_THAT(kernel(), SizeIs(4)) << "until it is collected";
  EXPECT_EQ(collect(), 3U);
  EXPECT_THAT(kernel(), SizeIs(1));
  EXPECT_EQ(collect(), 0U);
  nexthops_.retain({});
  EXPECT_EQ(collect(), 1U);
  EXPECT_THAT(kernel(), IsEmpty());
}

TEST_F(NexthopsTest, AfterARestartARouteTellsWhoseNexthopItIs) {
  // Two paths of the same content: only the routes' ids tell them apart.
  const std::vector<WeightedNexthop> same{towards({"fcdd:1::12"})};
  const auto one = put(path(1), Shape::kSingle, same).id;
  const auto two = put(path(2), Shape::kSingle, same).id;
  const auto group = put(path(3, 4), Shape::kGroup, same).id;
  restart();
  EXPECT_TRUE(nexthops_.claim(path(2), Shape::kSingle, two));
  EXPECT_TRUE(nexthops_.claim(path(2), Shape::kSingle, two)) << "once more by its next route";
  EXPECT_TRUE(nexthops_.claim(path(1), Shape::kSingle, one));
  EXPECT_TRUE(nexthops_.claim(path(3, 4), Shape::kGroup, group));
  for (const auto& [key, id] : {std::pair{path(1), one}, {path(2), two}}) {
    const auto adopted = put(key, Shape::kSingle, same);
    EXPECT_EQ(adopted.id, id);
    EXPECT_EQ(adopted.writes, 0U);
  }
  EXPECT_EQ(put(path(3, 4), Shape::kGroup, same).writes, 0U);
  nexthops_.disown_unclaimed();
  EXPECT_EQ(collect(), 0U);
}

TEST_F(NexthopsTest, ClaimsThatDoNotFitAreRefused) {
  const auto single = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})}).id;
  const auto group = put(path(2, 4), Shape::kGroup, {towards({"fcdd:1::12"})}).id;
  restart();
  EXPECT_FALSE(nexthops_.claim(path(1), Shape::kGroup, single)) << "no group";
  EXPECT_FALSE(nexthops_.claim(path(1), Shape::kSingle, group)) << "a group";
  EXPECT_FALSE(nexthops_.claim(path(1), Shape::kSingle, NexthopId{4000})) << "not there";
  EXPECT_TRUE(nexthops_.claim(path(1), Shape::kSingle, single));
  EXPECT_FALSE(nexthops_.claim(path(7), Shape::kSingle, single)) << "taken";
  EXPECT_FALSE(nexthops_.claim(path(1), Shape::kSingle, group));
}

TEST_F(NexthopsTest, AfterARestartPathsWithoutRoutesAreFoundByContent) {
  const std::vector<WeightedNexthop> lists{towards({"fcff:1::1", "fcdd:1::12"}, 2),
                                           towards({"fcdd:1::12"}, 1)};
  const auto group = put(path(1, 4), Shape::kGroup, lists).id;
  const auto single = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})}).id;
  const auto before = kernel();
  restart();
  // The single one has the content of one of the group's members, which is not to be taken.
  const auto adopted = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})});
  EXPECT_EQ(adopted.id, single);
  EXPECT_EQ(adopted.writes, 0U);
  const auto adopted_group = put(path(1, 4), Shape::kGroup, lists);
  EXPECT_EQ(adopted_group.id, group);
  EXPECT_EQ(adopted_group.writes, 0U);
  nexthops_.disown_unclaimed();
  EXPECT_EQ(collect(), 0U);
  EXPECT_EQ(kernel(), before);
}

TEST_F(NexthopsTest, AfterARestartWhatNobodyWantsIsCollected) {
  put(path(1, 4), Shape::kGroup, {towards({"fcff:1::1"}), towards({"fcff:2::1"})});
  put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})});
  put(path(2), Shape::kSingle, {towards({"fcdd:2::12"})});
  restart();
  EXPECT_EQ(put(path(2), Shape::kSingle, {towards({"fcdd:2::12"})}).writes, 0U);
  nexthops_.disown_unclaimed();
  EXPECT_EQ(collect(), 4U);
  EXPECT_THAT(kernel(), SizeIs(1));
  EXPECT_EQ(collect(), 0U);
}

TEST_F(NexthopsTest, WhatSomebodyChangedIsRepairedAtTheNextRead) {
  const std::vector<WeightedNexthop> lists{towards({"fcff:1::1"}), towards({"fcff:2::1"})};
  const auto group = put(path(1, 4), Shape::kGroup, lists).id;
  const auto single = put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})}).id;
  for (const auto id : {group, single}) {
    Message remove(RTM_DELNEXTHOP, 0, nhmsg{});
    remove.u32(NHA_ID, number(id));
    expect(socket_->request(std::move(remove)));
  }
  expect(nexthops_.read(*socket_, outer_));
  EXPECT_GT(put(path(1, 4), Shape::kGroup, lists).writes, 0U);
  EXPECT_EQ(put(path(1), Shape::kSingle, {towards({"fcdd:1::12"})}).writes, 1U);
  nexthops_.disown_unclaimed();
  collect();
  EXPECT_THAT(kernel(), SizeIs(4)) << "the group, its two members, the single one";
}

}  // namespace
}  // namespace sextant::dataplane
