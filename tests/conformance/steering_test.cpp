// Policies: which way packets take, how flows spread, what edits cost, what other nodes' SIDs do.

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>
#include <vector>

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Steering);

constexpr std::uint16_t kPort = 7000;

void SetPathThrough(overlay::Intent& intent, std::string_view router_sid) {
  set_policy(intent, "path", {.lists = {{.segments = {sid(router_sid)}}}});
}

TEST_P(Steering, PolicySendsPacketsThroughItsSegments) {
  Lab lab(GetParam());
  testbed::Sniffer r1 = sniff(lab.router("r1"), testbed::udp_to(kPort));
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kPort));
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const auto exchange = [&] { return udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to); };

  const srv6::Sid last = lab.service_sid("b", family());

  lab.edit([](overlay::Intent& intent) { SetPathThrough(intent, "fcff:2::1"); });
  ASSERT_TRUE(exchange().complete());
  EXPECT_TRUE(r2.wait_for(routed_to(kPort, last), kPatience));
  EXPECT_EQ(r1.count(), 0U);

  lab.edit([](overlay::Intent& intent) { SetPathThrough(intent, "fcff:1::1"); });
  ASSERT_TRUE(exchange().complete());
  EXPECT_TRUE(r1.wait_for(routed_to(kPort, last), kPatience));

  r1.clear();
  lab.edit([](overlay::Intent& intent) { intent.policies.clear(); });
  ASSERT_TRUE(exchange().complete());
  const auto plain = r1.wait_for(encapsulated_to(kPort, last.address()), kPatience);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->outer->srh);
}

TEST_P(Steering, PolicyAlsoCarriesTheNodesOwnPacketsToPods) {
  Lab lab(GetParam());
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kPort));
  lab.edit([](overlay::Intent& intent) { SetPathThrough(intent, "fcff:2::1"); });
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  ASSERT_TRUE(udp_exchange(lab.node("a").netns(), lab.pod("b1").netns, to).complete());
  EXPECT_TRUE(r2.wait_for(encapsulated_to(kPort), kPatience));
}

TEST_P(Steering, FlowsOfOnePodPairSpreadByTheListsWeights) {
  Lab lab(GetParam());
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "spread",
               {.lists = {{.segments = {sid("fcff:1::1")}, .weight = 3},
                          {.segments = {sid("fcff:2::1")}, .weight = 1}}});
  });
  const testbed::Sniffer r1 = sniff(lab.router("r1"), testbed::udp_to(kPort));
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kPort));
  const Pod& client = lab.pod("a1");
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  UdpSocket server(lab.pod("b1").netns, to);
  constexpr std::uint16_t kFlows = 400;
  // Each packet of a flow must take the flow's way: two of each.
  for (int round = 0; round < 2; ++round) {
    for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
      UdpSocket sender(client.netns,
                       {client.address(family()), static_cast<std::uint16_t>(20000 + flow)});
      ASSERT_TRUE(sender.send(to, "flow"));
      ASSERT_TRUE(server.receive()) << "flow " << flow << " of round " << round;
    }
  }

  const auto flows_of = [](const testbed::Sniffer& sniffer) {
    std::set<std::uint16_t> ports;
    for (const testbed::CapturedPacket& packet : sniffer.packets()) {
      ports.insert(packet.inner.source_port);
    }
    return ports;
  };
  const std::set<std::uint16_t> first = flows_of(r1);
  const std::set<std::uint16_t> second = flows_of(r2);
  EXPECT_EQ(r1.dropped() + r2.dropped(), 0U);
  EXPECT_EQ(first.size() + second.size(), kFlows) << "a flow took both ways, or none";
  // 300 of 400; the binomial's standard deviation is 8.7, so that chance fails once in 100,000
  // runs.
  EXPECT_NEAR(static_cast<double>(first.size()), 300.0, 40.0);
}

TEST_P(Steering, ThousandPathEditsUnderAStreamLoseNothing) {
  Lab lab(GetParam());
  lab.edit([](overlay::Intent& intent) { SetPathThrough(intent, "fcff:1::1"); });
  testbed::Stream stream = flowing_stream({.from_netns = lab.pod("a1").netns.name(),
                                           .to_netns = lab.pod("b1").netns.name(),
                                           .destination = lab.pod("b1").address(family())});
  // What the resolver makes of the two ways, so that the edits come as fast as the data plane takes
  // them.
  const overlay::Forwarding first = lab.resolve("a");
  overlay::Intent intent = lab.intent();
  SetPathThrough(intent, "fcff:2::1");
  const overlay::Forwarding second =
      overlay::resolve(intent, {.node = "a", .max_segments = kMaxSegments}).forwarding;
  const std::uint64_t before = stream.snapshot().received;
  for (int edit = 0; edit < 500; ++edit) {
    ASSERT_GT(lab.node("a").apply(second).writes, 0U);
    ASSERT_GT(lab.node("a").apply(first).writes, 0U);
  }
  EXPECT_TRUE(stream.wait_received(before + 500, kPatience));
  const testbed::StreamReport report = stream.stop();
  EXPECT_TRUE(report.lossless()) << report.to_string();
}

TEST_P(Steering, ChangesOfThePolicysShapeUnderAStreamLoseNothing) {
  Lab lab(GetParam());
  testbed::Stream stream = flowing_stream({.from_netns = lab.pod("a1").netns.name(),
                                           .to_netns = lab.pod("b1").netns.name(),
                                           .destination = lab.pod("b1").address(family()),
                                           .flows = 16});
  const overlay::WeightedSegments through_r1{.segments = {sid("fcff:1::1")}, .weight = 3};
  const overlay::WeightedSegments through_r2{.segments = {sid("fcff:2::1")}, .weight = 1};
  const std::vector<std::vector<overlay::WeightedSegments>> shapes = {
      {through_r1}, {through_r1, through_r2}, {through_r2}, {through_r2, through_r1}};
  std::uint64_t seen = stream.snapshot().received;
  for (int round = 0; round < 5; ++round) {
    for (const auto& lists : shapes) {
      lab.edit([&](overlay::Intent& intent) { set_policy(intent, "path", {.lists = lists}); });
      EXPECT_TRUE(stream.wait_received(seen += 50, kPatience));
    }
    lab.edit([](overlay::Intent& intent) { intent.policies.clear(); });
    EXPECT_TRUE(stream.wait_received(seen += 50, kPatience));
  }
  const testbed::StreamReport report = stream.stop();
  EXPECT_TRUE(report.lossless()) << report.to_string();
}

// As agents do it: c answers to the SIDs of both locators, and b takes the new ones when c has
// them.
TEST_P(Steering, NodeThatMovesToAnotherLocatorUnderStreamsLosesNothing) {
  if (!encapsulates()) GTEST_SKIP() << "there are no locators without an overlay";
  Lab lab(GetParam(), {.start = false, .on_link = true});
  overlay::Intent moved = lab.intent();
  moved.nodes.at("c").locator = must(srv6::Locator::parse("fcdd:0:0:cc::/64"));
  const auto forwardings = [&](const std::string& node) {
    const auto after = overlay::resolve(moved, {.node = node, .max_segments = kMaxSegments});
    return std::array{lab.resolve(node), after.forwarding};
  };
  const auto b = forwardings("b");
  auto c = forwardings("c");
  const auto former_sids = c[0].local_sids;
  c[0].local_sids.insert(c[1].local_sids.begin(), c[1].local_sids.end());
  c[1].local_sids.insert(former_sids.begin(), former_sids.end());
  lab.node("b").reconcile(b[0]);
  lab.node("c").reconcile(c[0]);
  std::vector<testbed::Stream> streams;
  for (const auto& [from, to] : {std::pair{"b1", "c1"}, std::pair{"c1", "b1"}}) {
    streams.push_back(flowing_stream({.from_netns = lab.pod(from).netns.name(),
                                      .to_netns = lab.pod(to).netns.name(),
                                      .destination = lab.pod(to).address(family())}));
  }
  for (int move = 1; move <= 50; ++move) {
    const auto locator = static_cast<std::size_t>(move % 2);
    const bool whole = move % 4 >= 2;  // as after a failure
    const auto change = [&](Node& node, const overlay::Forwarding& wanted) {
      return (whole ? node.reconcile(wanted) : node.apply(wanted)).writes;
    };
    ASSERT_GT(change(lab.node("c"), c[locator]), 0U);
    ASSERT_GT(change(lab.node("b"), b[locator]), 0U);
  }
  for (testbed::Stream& stream : streams) {
    EXPECT_TRUE(stream.wait_received(stream.snapshot().received + 500, kPatience));
    const testbed::StreamReport report = stream.stop();
    EXPECT_TRUE(report.lossless()) << report.to_string();
  }
  for (const auto& [node, wanted] : {std::pair{"b", b[0]}, std::pair{"c", c[0]}}) {
    EXPECT_EQ(lab.node(node).reconcile(wanted).writes, 0U) << "left undone on " << node;
  }
}

TEST_P(Steering, PolicyWithoutAValidPathAndFallbackDropIsSilent) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r1"), testbed::udp_to(kPort));
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const auto make_policy = [](overlay::Fallback fallback) {
    return [fallback](overlay::Intent& intent) {
      // Six segments and the service SID are more than the pod MTU leaves room for.
      const overlay::WeightedSegments deep{
          .segments = std::vector<overlay::Segment>(kMaxSegments, sid("fcff:1::1"))};
      set_policy(intent, "deep", {.lists = {deep}, .fallback = fallback});
    };
  };
  lab.edit(make_policy(overlay::Fallback::kDrop));
  UdpSocket sender(lab.pod("a1").netns, family());
  UdpSocket server(lab.pod("b1").netns, to);
  ASSERT_TRUE(sender.send(to, "dropped"));
  EXPECT_FALSE(server.receive(kSilence));
  EXPECT_FALSE(sender.icmp_error(milliseconds{0})) << "a drop says nothing";
  EXPECT_EQ(wire.count(), 0U);
  // Others are not disturbed.
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("c1").address(family())));

  lab.edit(make_policy(overlay::Fallback::kPlain));
  ASSERT_TRUE(sender.send(to, "passes"));
  EXPECT_TRUE(server.receive());
}

TEST_P(Steering, EndSidOfANodeIsATransitSegment) {
  Lab lab(GetParam());
  const srv6::Sid end_of_b =
      srv6::derived_sid(must(srv6::Locator::parse("fcdd:0:0:b::/64")), srv6::Behavior::kEnd);
  // A list that ended in b's locator would end at the wrong node: this one is complete.
  lab.edit([&](overlay::Intent& intent) {
    set_policy(intent, "through-b",
               {.headend = "c",
                .endpoint = "a",
                .lists = {{.segments = {end_of_b, lab.service_sid("a", family())}}},
                .only = family()});
  });
  const testbed::Sniffer at_b = sniff(lab.node("b").netns(), testbed::udp_to(kPort));
  const Endpoint to{lab.pod("a1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("c1").netns, lab.pod("a1").netns, to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_TRUE(at_b.wait_for(routed_to(kPort, lab.service_sid("a", family())), kPatience));
}

TEST_P(Steering, EndXSidOfANodeSendsToItsNextHop) {
  Lab lab(GetParam());
  // a sends to r2 what it would send to r1 by its own routing.
  const srv6::Sid end_x = sid("fcdd:0:0:a:5::2");
  overlay::Forwarding of_a = lab.resolve("a");
  of_a.local_sids[end_x] = {.behavior = srv6::Behavior::kEndX, .next_hop = v6("fcf0:0:0:2::1")};
  lab.node("a").apply(of_a);
  overlay::Forwarding of_c = lab.resolve("c");
  for (auto& [key, path] : of_c.paths) {
    if (key.endpoint != v6("fd11::b")) continue;
    for (srv6::SegmentList& list : path.lists) {
      list.segments.insert(list.segments.begin(), end_x);
    }
  }
  lab.node("c").apply(of_c);
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kPort));
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("c1").netns, lab.pod("b1").netns, to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_TRUE(r2.wait_for(encapsulated_to(kPort), kPatience));
}

TEST_P(Steering, BindingSidSteersAnotherNodesPacketsIntoThePolicy) {
  Lab lab(GetParam());
  const srv6::Sid binding_sid = sid("cafe::185");
  // Who routes the BSID pool to the headend is configuration: here the underlay does.
  lab.router("r3").ip("route add cafe::/118 via fd11::b\n");
  lab.edit([&](overlay::Intent& intent) {
    set_policy(intent, "b-to-a-through-r2",
               {.headend = "b",
                .endpoint = "a",
                .lists = {{.segments = {sid("fcff:2::1")}}},
                .binding_sid = binding_sid});
    set_policy(intent, "c-to-a-by-binding-sid",
               {.headend = "c", .endpoint = "a", .lists = {{.segments = {binding_sid}}}});
  });
  const testbed::Sniffer at_b = sniff(lab.node("b").netns(), testbed::udp_to(kPort));
  // The policy's own outer header goes to the headend's SID for IPv6, whatever is inside.
  const Ipv6Address last = lab.service_sid("a", Family::kIpv6).address();
  const testbed::Sniffer r2 =
      sniff(lab.router("r2"), [last](const testbed::CapturedPacket& packet) {
        return packet.outer && packet.outer->srh && packet.outer->srh->segments.front() == last;
      });
  const Endpoint to{lab.pod("a1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("c1").netns, lab.pod("a1").netns, to);
  EXPECT_TRUE(at_b.wait_for({}, kSilence)) << "the packet did not come to the headend";
  EXPECT_TRUE(r2.wait_for({}, kSilence)) << "the policy's own outer header was not seen";
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("c1").address(family()));
}

}  // namespace sextant::conformance
