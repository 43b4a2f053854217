// What the data plane counts: packets of paths and segment lists at the headend, of SIDs at the
// endpoint.

#include <numeric>
#include <stdexcept>

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Counting);

constexpr std::uint16_t kPort = 7100;
constexpr std::uint16_t kFlows = 40;

dataplane::Counters counters_of(Lab& lab, const std::string& node) {
  const auto counters = lab.node(node).run([&] { return lab.node(node).dataplane().counters(); });
  if (!counters) throw std::runtime_error(counters.error().message());
  return *counters;
}

// One packet of each of kFlows flows from a1 to b1; true where all arrived.
bool send_flows(Lab& lab, Family family) {
  const Endpoint to{lab.pod("b1").address(family), kPort};
  UdpSocket server(lab.pod("b1").netns, to);
  for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
    const Endpoint from{lab.pod("a1").address(family), static_cast<std::uint16_t>(30000 + flow)};
    UdpSocket sender(lab.pod("a1").netns, from);
    if (!sender.send(to, "count") || !server.receive()) return false;
  }
  return true;
}

TEST_P(Counting, PathListsAndSidCountWhatPassed) {
  if (!encapsulates()) GTEST_SKIP() << "nothing to count without an overlay";
  if (!GetParam().dataplane.counts_paths) GTEST_SKIP() << "paths are counted by BPF only";
  Lab lab(GetParam());
  const auto two_lists = [](overlay::Intent& intent) {
    set_policy(intent, "spread",
               {.lists = {{.segments = {sid("fcff:1::1")}}, {.segments = {sid("fcff:2::1")}}}});
  };
  lab.edit(two_lists);
  const auto key = [&]() -> overlay::PathKey {
    for (const auto& [path, unused] : lab.node("a").wanted().paths) {
      if (path.color && path.family == family()) return path;
    }
    throw std::runtime_error("the policy has no path");
  }();
  const srv6::Sid last = lab.service_sid("b", family());
  const auto sid_before = counters_of(lab, "b").local_sids.at(last).packets;

  ASSERT_TRUE(send_flows(lab, family()));
  const auto path = counters_of(lab, "a").paths.at(key);
  ASSERT_EQ(path.lists.size(), 2U);
  EXPECT_EQ(path.all.packets, kFlows);
  EXPECT_EQ(path.lists[0].packets + path.lists[1].packets, kFlows);
  EXPECT_GT(path.lists[0].packets, 0U);
  EXPECT_GT(path.lists[1].packets, 0U);
  // 5 bytes of payload, UDP, and the inner header.
  EXPECT_EQ(path.all.bytes, kFlows * (5U + 8U + (v4() ? 20U : 40U)));
  EXPECT_EQ(counters_of(lab, "b").local_sids.at(last).packets - sid_before, kFlows);

  // An edit takes a list away: the path's total stays, the list that is left keeps its own.
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "spread", {.lists = {{.segments = {sid("fcff:2::1")}}}});
  });
  const auto edited = counters_of(lab, "a").paths.at(key);
  ASSERT_EQ(edited.lists.size(), 1U);
  EXPECT_EQ(edited.all.packets, kFlows);
  EXPECT_EQ(edited.lists[0].packets, path.lists[1].packets);

  // The counts outlive the agent.
  lab.node("a").restart_dataplane();
  lab.node("a").reconcile();
  EXPECT_EQ(counters_of(lab, "a").paths.at(key).all.packets, kFlows);
}

}  // namespace sextant::conformance
