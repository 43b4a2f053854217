// --nat-outgoing: pods' packets that leave the cluster get the node's address, no others do.

#include <fmt/format.h>

#include "dataplane/linux/linux_dataplane.h"
#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(NatOutgoing);

constexpr std::uint16_t kPort = 9000;

Case masquerading(Case value) {
  value.dataplane.make = [fast = value.dataplane.counts_paths] {
    return dataplane::make_linux_dataplane(
        {.max_segments = kMaxSegments, .fast_path = fast, .nat_outgoing = true});
  };
  return value;
}

bool is_product(const Case& value) { return value.dataplane.name.starts_with("linux"); }

/// A router as a machine outside of the cluster: it knows the nodes' addresses and no pod's.
Endpoint outside(Family family) {
  return {family == Family::kIpv4 ? ip("10.3.0.1") : ip("fcf0:0:0:3::1"), kPort};
}

TEST_P(NatOutgoing, PodsLeaveTheClusterFromTheNodesAddress) {
  if (!is_product(GetParam())) GTEST_SKIP() << "an option of one data plane";
  Lab lab(masquerading(GetParam()));
  const auto& pod = lab.pod("b1").netns;
  const Exchange exchange = udp_exchange(pod, lab.router("r1"), outside(family()));
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.address("b", family()));
  EXPECT_EQ(exchange.client_saw, outside(family()));
  const TcpReport tcp = tcp_transfer(pod, lab.router("r1"), outside(family()), 100'000);
  EXPECT_EQ(tcp.to_client, 100'000U) << tcp.to_string();
  EXPECT_EQ(tcp.server_saw, lab.address("b", family()));
  EXPECT_TRUE(ping(pod, outside(family()).address));
}

TEST_P(NatOutgoing, TheDefaultRoutesSourceGoesBeforeTheDevicesAddress) {
  // Node a's address is on `lo`, its uplinks' own are known to its neighbours only.
  if (!is_product(GetParam())) GTEST_SKIP() << "an option of one data plane";
  Lab lab(masquerading(GetParam()));
  const Endpoint r3{v4() ? ip("10.4.0.2") : ip("fcf0:0:0:4::2"), kPort};
  const auto& pod = lab.pod("a1").netns;
  const Exchange exchange = udp_exchange(pod, lab.router("r3"), r3);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(exchange.server_saw->address, lab.address("a", family()));
  Node& a = lab.node("a");
  EXPECT_EQ(a.reconcile().writes, 0U);
  a.restart_dataplane();
  EXPECT_EQ(a.reconcile().writes, 0U) << "adopted as it was";

  // The way out moves to the other uplink.
  lab.uplink_down("r1");
  lab.route_to_a_through("r2");
  EXPECT_TRUE(a.notices_damage(kPatience));
  a.reconcile();
  const Exchange moved = udp_exchange(pod, lab.router("r3"), r3);
  ASSERT_TRUE(moved.complete()) << moved.to_string();
  EXPECT_EQ(moved.server_saw->address, lab.address("a", family()));
}

TEST_P(NatOutgoing, WithoutItPodsLeaveFromTheirOwnAddress) {
  Lab lab(GetParam());
  const Exchange exchange =
      udp_exchange(lab.pod("b1").netns, lab.router("r1"), outside(family()), {.timeout = kSilence});
  ASSERT_TRUE(exchange.server_saw);
  EXPECT_EQ(exchange.server_saw->address, lab.pod("b1").address(family()));
}

TEST_P(NatOutgoing, InsideOfTheClusterEveryoneKeepsTheirAddress) {
  if (!is_product(GetParam())) GTEST_SKIP() << "an option of one data plane";
  Lab lab(masquerading(GetParam()));
  const auto a1 = lab.pod("a1").address(family());
  const auto seen = [&](const LabNetns& from, const LabNetns& to, const IpAddress& address) {
    const Exchange exchange = udp_exchange(from, to, {address, kPort});
    EXPECT_TRUE(exchange.complete()) << exchange.to_string();
    return exchange.server_saw ? exchange.server_saw->address : IpAddress();
  };
  const auto& pod = lab.pod("a1").netns;
  EXPECT_EQ(seen(pod, lab.pod("a2").netns, lab.pod("a2").address(family())), a1) << "on its node";
  EXPECT_EQ(seen(pod, lab.pod("b1").netns, lab.pod("b1").address(family())), a1) << "elsewhere";
  EXPECT_EQ(seen(pod, lab.node("a").netns(), lab.address("a", family())), a1) << "its node";
  EXPECT_EQ(seen(pod, lab.node("b").netns(), lab.address("b", family())), a1) << "another node";
  EXPECT_EQ(seen(lab.node("a").netns(), lab.pod("b1").netns, lab.pod("b1").address(family())),
            lab.overlay_address("a", family()))
      << "a node to another's pod";
}

TEST_P(NatOutgoing, FollowsNodesThatComeAndGo) {
  if (!is_product(GetParam())) GTEST_SKIP() << "an option of one data plane";
  Lab lab(masquerading(GetParam()));
  const Endpoint node_c{lab.address("c", family()), kPort};
  const auto removed = lab.intent().nodes.at("c");
  lab.edit([](overlay::Intent& intent) { intent.nodes.erase("c"); });
  const Exchange outsider = udp_exchange(lab.pod("b1").netns, lab.node("c").netns(), node_c);
  ASSERT_TRUE(outsider.server_saw) << outsider.to_string();
  EXPECT_EQ(outsider.server_saw->address, lab.address("b", family()));
  lab.edit([&](overlay::Intent& intent) { intent.nodes.emplace("c", removed); });
  const Exchange member = udp_exchange(lab.pod("b1").netns, lab.node("c").netns(), node_c);
  ASSERT_TRUE(member.complete()) << member.to_string();
  EXPECT_EQ(member.server_saw->address, lab.pod("b1").address(family()));
}

TEST_P(NatOutgoing, IsAdoptedRepairedAndRemoved) {
  if (!is_product(GetParam())) GTEST_SKIP() << "an option of one data plane";
  Lab lab(masquerading(GetParam()));
  Node& b = lab.node("b");
  b.restart_dataplane();
  EXPECT_EQ(b.reconcile().writes, 0U) << "adopted as it was";
  for (const std::string& damage :
       {"flush chain " + nft_family() + " sextant nat_outgoing",
        "flush set " + nft_family() + " sextant own_pods",
        "delete element " + nft_family() + " sextant node_addresses { " +
            lab.address("a", family()).to_string() + " }"}) {
    b.netns().nft(damage + "\n");
    EXPECT_TRUE(b.notices_damage(kPatience)) << damage;
    EXPECT_GT(b.reconcile().writes, 0U) << damage;
    EXPECT_EQ(b.reconcile().writes, 0U) << damage;
  }
  const Exchange exchange = udp_exchange(lab.pod("b1").netns, lab.router("r1"), outside(family()));
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  b.remove_all();
  EXPECT_EQ(b.netns().run({"nft", "list", "ruleset"}).text, "");
}

}  // namespace sextant::conformance
