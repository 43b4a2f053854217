// Who reaches whom, from which address, and what the underlay sees of it.

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Reachability);

constexpr std::uint16_t kPort = 7000;

TEST_P(Reachability, PodReachesPodOnAnotherNodeThroughItsServiceSid) {
  Lab lab(GetParam());
  const Pod& client = lab.pod("a1");
  const Pod& server = lab.pod("b1");
  const testbed::Sniffer wire = sniff(lab.router("r3"), testbed::udp_to(kPort));

  const Exchange exchange =
      udp_exchange(client.netns, server.netns, {server.address(family()), kPort});

  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, client.address(family()));
  EXPECT_EQ(exchange.client_saw->address, server.address(family()));
  if (!encapsulates()) return;
  const auto request = wire.wait_for({}, kPatience);
  ASSERT_TRUE(request);
  ASSERT_TRUE(request->outer) << to_string(*request);
  EXPECT_EQ(request->outer->destination, lab.service_sid("b", family()).address());
  EXPECT_EQ(IpAddress(request->outer->source), lab.address("a", Family::kIpv6));
  EXPECT_FALSE(request->outer->srh) << "one SID needs no SRH in reduced mode";
}

TEST_P(Reachability, EchoRequestsOfPodsAreAnswered) {
  Lab lab(GetParam());
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("b1").address(family())));
  EXPECT_TRUE(ping(lab.pod("b1").netns, lab.pod("c1").address(family())));
  EXPECT_TRUE(ping(lab.pod("c1").netns, lab.pod("a2").address(family())));
}

TEST_P(Reachability, PodsOfOneNodeReachEachOtherWithoutTheUnderlay) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r1"), testbed::udp_to(kPort));
  const Pod& server = lab.pod("a2");

  const Exchange exchange =
      udp_exchange(lab.pod("a1").netns, server.netns, {server.address(family()), kPort});

  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("a1").address(family()));
  EXPECT_EQ(wire.count(), 0U);
}

TEST_P(Reachability, PodReachesItsOwnNode) {
  Lab lab(GetParam());
  const Endpoint to{lab.address("a", family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.node("a").netns(), to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("a1").address(family()));
  EXPECT_EQ(exchange.client_saw, to);
}

TEST_P(Reachability, PodReachesAnotherNodesOwnAddress) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r3"), testbed::udp_to(kPort));
  for (const std::string node : {"b", "c"}) {
    const Endpoint to{lab.address(node, family()), kPort};
    const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.node(node).netns(), to);
    ASSERT_TRUE(exchange.complete()) << node << ": " << exchange.to_string();
    EXPECT_EQ(exchange.server_saw->address, lab.pod("a1").address(family()));
    EXPECT_EQ(exchange.client_saw, to);
    if (!encapsulates()) continue;
    EXPECT_TRUE(wire.wait_for(encapsulated_to(kPort, lab.service_sid(node, family()).address()),
                              kPatience));
  }
}

TEST_P(Reachability, NodeReachesRemotePodFromItsOverlayAddress) {
  Lab lab(GetParam());
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.node("a").netns(), lab.pod("b1").netns, to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.overlay_address("a", family()));
  EXPECT_EQ(exchange.client_saw, to);
}

TEST_P(Reachability, NodeReachesAnotherNodesOverlayAddress) {
  Lab lab(GetParam());
  const Endpoint to{lab.overlay_address("b", family()), kPort};
  const Exchange exchange = udp_exchange(lab.node("a").netns(), lab.node("b").netns(), to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.overlay_address("a", family()));
}

TEST_P(Reachability, PodReachesAnotherNodesOverlayAddress) {
  Lab lab(GetParam());
  const Endpoint to{lab.overlay_address("b", family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.node("b").netns(), to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("a1").address(family()));
}

TEST_P(Reachability, NodesReachEachOthersOwnAddressesInTheUnderlay) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r3"), testbed::udp_to(kPort));
  const Endpoint to{lab.address("b", family()), kPort};
  const Exchange exchange = udp_exchange(lab.node("a").netns(), lab.node("b").netns(), to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.address("a", family()));
  const auto request = wire.wait_for({}, kPatience);
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->outer) << to_string(*request);
}

TEST_P(Reachability, LocatorOfAnOnLinkNodeIsReachedByTheNodesAddress) {
  if (!encapsulates()) GTEST_SKIP() << "there are no locators without an overlay";
  Lab lab(GetParam(), {.start = false, .on_link = true});
  for (const std::string node : {"b", "c"}) lab.node(node).reconcile(lab.resolve(node));
  // The routers lose the locators: only the nodes' own routes lead there.
  lab.router("r3").ip("route del fcdd:0:0:b::/64\nroute del fcdd:0:0:c::/64\n");
  const Endpoint to{lab.pod("c1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("b1").netns, lab.pod("c1").netns, to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.pod("b1").address(family()));
}

}  // namespace sextant::conformance
