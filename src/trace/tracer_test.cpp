#include "trace/tracer.h"

#include <gtest/gtest.h>

#include "trace/fake_network.h"

namespace sextant::trace {
namespace {

using testing::FakeNetwork;
using testing::ip;
using testing::ip6;
using testing::sid;

class TracerTest : public ::testing::Test {
 protected:
  TracerTest() {
    network_.flow = flow_;
    network_.routers = {{.address = "fd00::1"},
                        {.address = "fd00::2", .end_sid = "fcff:2::1"},
                        {.address = "fd00::3"},
                        {.address = "fd00::4", .end_sid = "fcff:4::1"}};
    network_.choose = [this](const Flow&) { return outer_; };
  }
  Walk walk(bool deliver = true) { return tracer().walk(flow_, outer_, {}, deliver).value(); }
  Tracer& tracer() { return tracer_; }
  /// "2:fd00::2>fcff:4::1/1", a line a hop.
  static std::string lines(const Walk& walk) {
    std::string text;
    for (const auto& hop : walk.hops) {
      text += std::to_string(hop.distance) + ":";
      text += hop.answer ? hop.answer->from.to_string() + ">" + hop.towards.to_string() + "/" +
                               std::to_string(hop.segments_left)
                         : std::string("*");
      text += hop.refused ? " refused\n" : "\n";
    }
    return text;
  }

  Flow flow_{.source = ip("10.1.0.7"), .destination = ip("10.2.0.9")};
  Outer outer_{.source = ip6("fd10::1"),
               .visits = {sid("fcff:2::1"), sid("fcff:4::1"), sid("fcdd::13")},
               .flow_label = 0x12345};
  FakeNetwork network_;
  Tracer tracer_{network_, Limits{.timeout = std::chrono::milliseconds(1)}, 0x4242};
};

TEST_F(TracerTest, APacketOfTheFlowShowsWhatTheDataPlaneChoseOnBothSides) {
  network_.back = Encapsulation{.source = ip6("fd10::2"),
                                .destination = ip6("fcdd::a"),
                                .flow_label = 0x777,
                                .srh = srv6::make_srh(std::vector{sid("fcff:3::1"), sid("fcdd::a")},
                                                      srv6::EncapMode::kEncaps, 4)
                                           .value()};
  const auto departure = tracer().depart(flow_).value();
  EXPECT_EQ(departure.outer, outer_);
  EXPECT_EQ(departure.device, Device{7});
  ASSERT_TRUE(departure.delivered);
  EXPECT_EQ(departure.delivered->from, flow_.destination);
  ASSERT_TRUE(departure.answered_by);
  EXPECT_EQ(departure.answered_by->named(), (std::vector{sid("fcff:3::1"), sid("fcdd::a")}));
  EXPECT_EQ(departure.answered_by->flow_label, 0x777U);
}

TEST_F(TracerTest, TellsAPacketThatDidNotLeaveFromOneThatWasNotAnswered) {
  network_.pod_answers = false;
  auto departure = tracer().depart(flow_).value();
  EXPECT_TRUE(departure.outer);
  EXPECT_FALSE(departure.delivered);
  EXPECT_EQ(network_.sent_inner.size(), 3U) << "it is tried again";
  network_.choose = {};
  departure = tracer().depart(flow_).value();
  EXPECT_FALSE(departure.outer);
}

TEST_F(TracerTest, ChoosingAwaitsNoAnswer) {
  EXPECT_EQ(tracer().choose(flow_)->outer, outer_);
  EXPECT_EQ(network_.sent_inner.size(), 1U);
}

TEST_F(TracerTest, EachHopShowsTheSegmentInWork) {
  const auto seen = walk();
  EXPECT_EQ(lines(seen),
            "1:fd00::1>fcff:2::1/2\n2:fd00::2>fcff:4::1/1\n"
            "3:fd00::3>fcff:4::1/1\n4:fd00::4>fcdd::13/0\n");
  ASSERT_TRUE(seen.decapsulated);
  EXPECT_EQ(seen.decapsulated->from, ip("10.2.0.1"));
  ASSERT_TRUE(seen.delivered);
  EXPECT_EQ(seen.delivered->from, flow_.destination);
}

TEST_F(TracerTest, ThePodIsLeftAloneUnlessItIsAskedFor) {
  network_.pod_answers = false;
  const auto seen = walk(false);
  EXPECT_TRUE(seen.decapsulated);
  EXPECT_FALSE(seen.delivered);
  EXPECT_EQ(network_.sent_outer.size(), 5U) << "four hops and the node";
}

TEST_F(TracerTest, WhereTheNodeKeepsSilentThePodAnswersForIt) {
  network_.node_answers = false;
  const auto seen = walk(false);
  EXPECT_EQ(seen.hops.size(), 4U);
  EXPECT_FALSE(seen.decapsulated);
  EXPECT_TRUE(seen.delivered);
}

TEST_F(TracerTest, WhereADatagramIsNotAnsweredAnEchoMayBe) {
  flow_.protocol = Protocol::kUdp;
  flow_.source_port = 50000;
  flow_.destination_port = 33434;
  network_.flow = flow_;
  const auto seen = walk();
  EXPECT_TRUE(seen.delivered);
  std::span<const std::uint8_t> inner;
  ASSERT_TRUE(read_encapsulation(network_.sent_outer.back(), inner));
  EXPECT_EQ(inner[9], wire::kIcmp);
}

TEST_F(TracerTest, GoesOnBehindASilentRouter) {
  network_.routers[1].silent = true;
  EXPECT_EQ(lines(walk()),
            "1:fd00::1>fcff:2::1/2\n2:*\n3:fd00::3>fcff:4::1/1\n4:fd00::4>fcdd::13/0\n");
}

TEST_F(TracerTest, EndsBehindTheLastAnswerWhereThePathIsBroken) {
  for (std::size_t i = 2; i < 4; ++i) network_.routers[i].silent = true;
  network_.node_answers = network_.pod_answers = false;
  const auto seen = walk();
  EXPECT_EQ(lines(seen), "1:fd00::1>fcff:2::1/2\n2:fd00::2>fcff:4::1/1\n");
  EXPECT_FALSE(seen.decapsulated || seen.delivered);
}

TEST_F(TracerTest, EndsAtARouterThatRefuses) {
  network_.routers[1].unreachable = 0;
  const auto seen = walk();
  EXPECT_EQ(lines(seen),
            "1:fd00::1>fcff:2::1/2\n2:fd00::2>fcff:4::1/1\n3:fd00::2>fcff:4::1/1 refused\n");
  EXPECT_FALSE(seen.delivered);
}

TEST_F(TracerTest, StopsAtTheMostHopsAllowed) {
  Tracer tracer(network_, Limits{.max_hops = 2, .timeout = std::chrono::milliseconds(1)}, 1);
  EXPECT_EQ(tracer.walk(flow_, outer_, {}, false)->hops.size(), 2U);
}

TEST_F(TracerTest, ReducedAndBareHeadersAreWalkedAsTheyAre) {
  outer_.mode = srv6::EncapMode::kEncapsReduced;
  EXPECT_EQ(walk().hops.size(), 4U);
  outer_.visits = {sid("fcdd::13")};
  const auto bare = walk();
  ASSERT_EQ(bare.hops.size(), 4U);
  EXPECT_EQ(bare.hops[3].segments_left, 0);
  EXPECT_EQ(network_.sent_outer.back().at(6), wire::kIpv4) << "no SRH";
}

TEST_F(TracerTest, WalksBackFromTheFarNodeByItsEndSid) {
  network_.far_end = "fcdd:0:0:b:1::";
  network_.routers_back = {{.address = "fd00::4"},
                           {.address = "fd00::3", .end_sid = "fcff:3::1"},
                           {.address = "fd00::1"}};
  const auto seen = tracer()
                        .walk_back(flow_, outer_.source, sid("fcdd:0:0:b:1::"),
                                   {sid("fcff:3::1"), sid("fcdd::a")}, 5)
                        .value();
  EXPECT_TRUE(seen.arrived);
  EXPECT_EQ(lines(seen), "5:fd00::4>fcff:3::1/1\n6:fd00::3>fcdd::a/0\n7:fd00::1>fcdd::a/0\n")
      << "the way to the far node is left out";
  EXPECT_EQ(seen.outer.visits.size(), 2U);
}

TEST_F(TracerTest, FindsAFlowLabelWhoseWayToTheFarNodeIsWhole) {
  network_.far_end = "fcdd:0:0:b:1::";
  const auto find = [&](std::uint32_t wanted) {
    return tracer()
        .find_label_back(flow_, outer_.source, sid("fcdd:0:0:b:1::"), {sid("fcdd::a")}, wanted)
        .value();
  };
  EXPECT_EQ(find(5), 5U);
  network_.broken_labels = [](std::uint32_t label) { return label % 4 != 0; };
  EXPECT_EQ(find(5), 8U);
  EXPECT_EQ(find(0xfffff), 0U) << "20 bits";
  network_.broken_labels = [](std::uint32_t) { return true; };
  EXPECT_EQ(find(5), std::nullopt);
}

TEST_F(TracerTest, AWalkBackThatNeverStartsHasNoHops) {
  network_.far_end = nullptr;
  network_.node_answers = network_.pod_answers = false;
  const auto seen =
      tracer().walk_back(flow_, outer_.source, sid("fcdd:0:0:b:1::"), {sid("fcdd::a")}, 5).value();
  EXPECT_FALSE(seen.arrived);
  EXPECT_TRUE(seen.hops.empty());
}

TEST_F(TracerTest, AnswersToOtherProbesDoNotCount) {
  (void)network_.send_outer(
      encapsulate(outer_, Family::kIpv4, make_inner(flow_, Token{0x99990001}, 64)).value(), {});
  network_.pod_answers = false;
  EXPECT_FALSE(walk().delivered);
}

}  // namespace
}  // namespace sextant::trace
