// A node with two uplinks: one goes down, comes back, and the other one goes down.

#include <optional>

#include "scenario.h"
#include "snapshot.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Uplinks);

struct BothWays {
  testbed::Stream out;
  testbed::Stream back;
};

BothWays start_streams(const Lab& lab, Family family) {
  const Pod& a = lab.pod("a1");
  const Pod& b = lab.pod("b1");
  constexpr std::uint32_t kRate = 2000;
  return {.out = flowing_stream({.from_netns = a.netns.name(),
                                 .to_netns = b.netns.name(),
                                 .destination = b.address(family),
                                 .packets_per_second = kRate}),
          .back = flowing_stream({.from_netns = b.netns.name(),
                                  .to_netns = a.netns.name(),
                                  .destination = a.address(family),
                                  .packets_per_second = kRate})};
}

/// The uplink to `from` goes down under streams in both directions, then the underlay's routing
/// moves to `to`.
void fail_over(const Lab& lab, Family family, const std::string& from, const std::string& to) {
  SCOPED_TRACE("uplink to " + from + " goes down");
  std::optional<BothWays> streams = start_streams(lab, family);
  lab.uplink_down(from);
  lab.route_to_a_through(to);
  EXPECT_TRUE(streams->out.wait_received(streams->out.snapshot().received + 200, kPatience));
  EXPECT_TRUE(streams->back.wait_received(streams->back.snapshot().received + 200, kPatience));
  // Lost is at most what was sent between the two commands; a second is much for them.
  for (const testbed::StreamReport& report : {streams->out.stop(), streams->back.stop()}) {
    EXPECT_LE(report.lost + report.send_errors, 2000U) << report.to_string();
  }
  streams.reset();  // its port is free again
  streams = start_streams(lab, family);
  EXPECT_TRUE(streams->out.wait_received(600, kPatience));
  for (const testbed::StreamReport& report : {streams->out.stop(), streams->back.stop()}) {
    EXPECT_TRUE(report.lossless()) << "with the routing moved: " << report.to_string();
  }
}

TEST_P(Uplinks, TrafficSurvivesEachUplinkGoingDownAndComingBack) {
  Lab lab(GetParam(), {.start = false});
  const Snapshot before = take_snapshot(lab.node("a").netns());
  lab.reconcile();
  const Snapshot owned = added(before, take_snapshot(lab.node("a").netns()));
  const auto all_is_there = [&](const std::string& when) {
    const Snapshot missing = added(take_snapshot(lab.node("a").netns()), owned);
    EXPECT_TRUE(missing.empty()) << when << " these vanished:\n" << to_string(missing);
  };

  fail_over(lab, family(), "r1", "r2");
  all_is_there("without the uplink to r1");
  lab.uplink_up("r1");
  all_is_there("with the uplink to r1 back");
  fail_over(lab, family(), "r2", "r1");
  all_is_there("without the uplink to r2");
}

TEST_P(Uplinks, PolicyOverTheLostUplinksRouterTakesTheWayAround) {
  if (!encapsulates()) GTEST_SKIP() << "there are no policies without an overlay";
  Lab lab(GetParam());
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "through-r1", {.lists = {{.segments = {sid("fcff:1::1")}}}});
  });
  const Endpoint to{lab.pod("b1").address(family()), 7000};
  const auto exchange = [&] { return udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to); };
  ASSERT_TRUE(exchange().complete());
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(to.port));
  lab.uplink_down("r1");
  lab.route_to_a_through("r2");
  // r1 is still there, behind r2 and r3.
  lab.router("r1").ip("route replace fd10::a/128 via fcf0:0:0:3::2\n");
  const Exchange around = exchange();
  EXPECT_TRUE(around.complete()) << around.to_string();
  EXPECT_TRUE(r2.wait_for(encapsulated_to(to.port), kPatience));
}

}  // namespace sextant::conformance
