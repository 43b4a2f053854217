// Calico's objects of BGP in, what they say of sessions out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/intent_store.h"
#include "sources/manifest_set.h"
#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string object(const std::string& kind, const std::string& name, const std::string& spec) {
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: " + kind +
         ", metadata: {name: " + name + "}, spec: {" + spec + "}}\n";
}
std::string peer(const std::string& spec) { return object("BGPPeer", "tor", spec); }

/// The part that a single object says.
template <typename T>
T part(const std::string& yaml) {
  const auto reading = read(yaml);
  EXPECT_THAT(messages(reading), IsEmpty()) << yaml;
  if (reading.objects.size() != 1 || !reading.objects.front().bgp) {
    ADD_FAILURE() << "nothing of BGP in " << yaml;
    return T{};
  }
  return std::get<T>(*reading.objects.front().bgp);
}

TEST(CalicoBgp, ConfigurationSaysAsPortAndMesh) {
  const auto read = part<BgpConfiguration>(object("BGPConfiguration", "default", R"(
      asNumber: 65001, nodeToNodeMeshEnabled: false, listenPort: 1179, bindMode: NodeIP,
      logSeverityScreen: Info, nodeMeshMaxRestartTime: 2m30s,
      nodeMeshPassword: {secretKeyRef: {name: bgp, key: mesh}},
      communities: [{name: site, value: "64512:100"}],
      prefixAdvertisements: [{cidr: 172.16.0.0/16, communities: [site, "64512:1:2"]}])"));
  EXPECT_EQ(read.asn, 65001U);
  EXPECT_EQ(read.mesh, false);
  EXPECT_EQ(read.listen_port, 1179);
  EXPECT_EQ(read.bind_node_address, true);
  EXPECT_EQ(read.mesh_restart_time, std::chrono::seconds(150));
  EXPECT_EQ(read.mesh_password, (SecretKey{"bgp", "mesh"}));
  ASSERT_TRUE(read.advertisements);
  EXPECT_THAT(*read.advertisements, ElementsAre(PrefixAdvertisement{prefix("172.16.0.0/16"),
                                                                    {"64512:100", "64512:1:2"}}));
  EXPECT_EQ(part<BgpConfiguration>(object("BGPConfiguration", "node.worker1", "asNumber: '1.10'")),
            BgpConfiguration{.asn = 65546});
  EXPECT_EQ(part<BgpConfiguration>("{apiVersion: projectcalico.org/v3, kind: BGPConfiguration, "
                                   "metadata: {name: default}}"),
            BgpConfiguration{});
}

TEST(CalicoBgp, PeerSaysBothEndsAndTheSession) {
  const auto read = part<BgpPeer>(peer(R"(
      nodeSelector: "rack == 'a'", peerIP: "[fd00::1]:1179", asNumber: 65001, sourceAddress: None,
      keepOriginalNextHop: true, password: {secretKeyRef: {name: bgp, key: tor}}, filters: [pods],
      maxRestartTime: 90s, ttlSecurity: 2, reversePeering: Manual, failureDetectionMode: None,
      restartMode: GracefulRestart, numAllowedLocalASNumbers: 0)"));
  EXPECT_TRUE(read.node_selector->matches({{"rack", "a"}}));
  EXPECT_EQ(read.address, address("fd00::1"));
  EXPECT_EQ(read.port, 1179);
  EXPECT_EQ(read.asn, 65001U);
  EXPECT_TRUE(read.keep_next_hop);
  EXPECT_FALSE(read.use_node_address);
  EXPECT_FALSE(read.reverse);
  EXPECT_EQ(read.password, (SecretKey{"bgp", "tor"}));
  EXPECT_EQ(read.restart_time, std::chrono::seconds(90));
  EXPECT_EQ(read.ttl_security_hops, 2);
  EXPECT_THAT(read.filters, ElementsAre("pods"));
  EXPECT_EQ(read.location, "a.yaml:2");

  const auto nodes = part<BgpPeer>(peer("node: worker1, peerSelector: has(rr), nextHopMode: Self"));
  EXPECT_EQ(nodes.node, "worker1");
  EXPECT_TRUE(nodes.peer_selector->matches({{"rr", ""}}));
  EXPECT_TRUE(nodes.next_hop_self);
  EXPECT_TRUE(nodes.use_node_address);
}

TEST(CalicoBgp, AddressesOfPeersMayHaveAPort) {
  const struct {
    const char *text, *address;
    int port;
  } rows[] = {{"fd00::1", "fd00::1", 0},
              {"'[fd00::1]:179'", "fd00::1", 179},
              {"10.0.0.1", "10.0.0.1", 0},
              {"'10.0.0.1:65535'", "10.0.0.1", 65535}};
  for (const auto& row : rows) {
    const auto read = part<BgpPeer>(peer("peerIP: " + std::string(row.text)));
    EXPECT_EQ(read.address, address(row.address)) << row.text;
    EXPECT_EQ(read.port, row.port) << row.text;
  }
}

TEST(CalicoBgp, FilterSaysWhichRoutesPass) {
  const auto read = part<BgpFilter>(object("BGPFilter", "pods", R"(
      exportV4: [{action: Accept, matchOperator: In, cidr: 172.16.0.0/16}, {action: Reject}],
      importV6: [{action: Reject, matchOperator: NotIn, cidr: "fd00::/8", prefixLength: {max: 64},
                  peerType: eBGP, communities: {values: ["64512:1"]}},
                 {action: Accept, matchOperator: Equal, cidr: "fd00::/8"}])"));
  EXPECT_THAT(
      read.export_rules,
      ElementsAre(BgpFilterRule{.accept = true,
                                .family = Family::kIpv4,
                                .within = prefix("172.16.0.0/16"),
                                .min_length = 16,
                                .max_length = 32},
                  BgpFilterRule{.accept = false, .family = Family::kIpv4, .max_length = 32}));
  EXPECT_THAT(
      read.import_rules,
      ElementsAre(BgpFilterRule{.accept = false,
                                .within = prefix("fd00::/8"),
                                .outside = true,
                                .min_length = 8,
                                .max_length = 64,
                                .external = true,
                                .communities = {"64512:1"}},
                  BgpFilterRule{.within = prefix("fd00::/8"), .min_length = 8, .max_length = 8}));
}

std::string node(const std::string& annotations, const std::string& addresses) {
  return "{apiVersion: v1, kind: Node, metadata: {name: w1, annotations: {" + annotations +
         "}}, status: {addresses: [" + addresses + "]}}";
}
constexpr auto kInternalIpv4 = "{type: InternalIP, address: 10.0.0.1}";

TEST(CalicoBgp, AnnotationsOfNodesSayAsAndReflection) {
  const auto yaml = node(
      "projectcalico.org/ASNumber: '65007', projectcalico.org/RouteReflectorClusterID: 1.0.0.1, "
      "projectcalico.org/IPv6Address: 'fd10::7/64', projectcalico.org/IPv4Address: 10.0.0.1/24",
      kInternalIpv4);
  const auto read = part<CalicoNode>(yaml);
  EXPECT_EQ(read.asn, 65007U);
  EXPECT_EQ(read.cluster_id, Ipv4Address::parse("1.0.0.1").value());
  EXPECT_EQ(read.ipv6, address("fd10::7"));
  EXPECT_THAT(sources::read(yaml).objects.front().node->addresses,
              ElementsAre(address("10.0.0.1"), address("fd10::7")))
      << "Kubernetes itself knows none of this family";
  const auto both =
      sources::read(node("projectcalico.org/IPv6Address: 'fd10::7/64'",
                         "{type: InternalIP, address: 'fd10::1'}, " + std::string(kInternalIpv4)));
  EXPECT_THAT(both.objects.front().node->addresses, SizeIs(2)) << "it does";
}

TEST(CalicoBgp, BadAnnotationsTakeNothingOfTheNodeAway) {
  const auto reading = read(
      node("projectcalico.org/ASNumber: many, projectcalico.org/RouteReflectorClusterID: rack-1, "
           "projectcalico.org/IPv6Address: 10.0.0.1/24",
           kInternalIpv4));
  EXPECT_THAT(messages(reading),
              ElementsAre(HasSubstr("W a.yaml:1: Node/w1: "), HasSubstr("'rack-1'"),
                          HasSubstr("'10.0.0.1/24' is not an IPv6 address")));
  EXPECT_TRUE(reading.objects.front().usable);
  EXPECT_FALSE(reading.objects.front().bgp);
}

TEST(CalicoBgp, SecretsHoldPasswords) {
  const auto read = part<BgpSecret>(
      "{apiVersion: v1, kind: Secret, metadata: {name: bgp}, data: {tor: c2VjcmV0, odd: '%'}, "
      "stringData: {mesh: plain}}");
  EXPECT_THAT(read.values, ElementsAre(std::pair("mesh", "plain"), std::pair("tor", "secret")));
}

TEST(CalicoBgp, WhatIsNotDoneHereIsAWarningAndTheObjectCounts) {
  const struct {
    std::string yaml, message;
  } rows[] = {
      {peer("peerIP: fd00::1, failureDetectionMode: BFDIfDirectlyConnected"),
       "there is no BFD here"},
      {peer("peerIP: fd00::1, numAllowedLocalASNumbers: 1"), "spec.numAllowedLocalASNumbers: '1'"},
      {peer("peerIP: fd00::1, restartMode: LongLivedGracefulRestart"), "no long-lived graceful"},
      {peer("peerIP: fd00::1, reachableBy: fd00::9"), "static route"},
      {peer("peerIP: fd00::1, localASNumber: 7"), "the node's own AS number"},
      {peer("peerIP: fd00::1, colour: blue"), "spec.colour: unknown field, ignored"},
      {peer("peerIP: fd00::1, maxRestartTime: 2h"), "'2h' is cut to 4095s"},
      {object("BGPConfiguration", "default", "serviceClusterIPs: [{cidr: 10.96.0.0/12}]"),
       "spec.serviceClusterIPs: addresses of Services are not announced here"},
      {object("BGPConfiguration", "node.w1", "nodeToNodeMeshEnabled: false"),
       "spec.nodeToNodeMeshEnabled: 'false': counts in BGPConfiguration/default only"},
      {object("BGPFilter", "f", "importV4: [{action: Reject, interface: 'eth*'}]"),
       "spec.importV4[0].interface: rules cannot ask for this here: the rule is left out"},
  };
  for (const auto& row : rows) {
    const auto reading = read(row.yaml);
    EXPECT_THAT(messages(reading),
                ElementsAre(testing::AllOf(testing::StartsWith("W "), HasSubstr(row.message))));
    EXPECT_TRUE(reading.objects.front().bgp) << row.message;
  }
}

TEST(CalicoBgp, LeavesOutWhatConcernsOthers) {
  auto reading = read(object("BGPConfiguration", "other", "asNumber: 7"));
  EXPECT_THAT(messages(reading),
              ElementsAre(HasSubstr("W a.yaml:2: BGPConfiguration/other: is ignored")));
  EXPECT_FALSE(reading.objects.front().bgp);
  reading = read(peer("peerIP: fd00::1, localWorkloadSelector: all()"));
  EXPECT_THAT(messages(reading), ElementsAre(HasSubstr("sessions with pods are not held here")));
  EXPECT_FALSE(reading.objects.front().bgp);
}

TEST(CalicoBgp, SaysWhatIsWrong) {
  const struct {
    std::string yaml, message;
  } rows[] = {
      {peer("asNumber: 65001"), "spec: neither peerIP nor peerSelector: there is nobody"},
      {peer("peerIP: nowhere"), "spec.peerIP: 'nowhere' is not an address"},
      {peer("peerIP: 'fd00::1:99999'"), "'fd00::1:99999' is not an address"},
      {peer("peerIP: '10.0.0.1:0'"), "'10.0.0.1:0' is not an address"},
      {peer("peerIP: '10.0.0.1:'"), "'10.0.0.1:' is not an address"},
      {peer("peerIP: '[fd00::1]'"), "'[fd00::1]' is not an address"},
      {peer("peerIP: '[fd00::1]:70000'"), "is not an address"},
      {peer("peerIP: '[fd00::1'"), "is not an address"},
      {peer("peerIP: 'fe80::1'"), "link-local, and the object cannot name a device"},
      {peer("peerIP: fd00::1, asNumber: 0"), "spec.asNumber: '0' is not an AS number"},
      {peer("peerIP: fd00::1, asNumber: 4294967296"), "'4294967296' is not an AS number"},
      {peer("peerIP: fd00::1, asNumber: '1.65536'"), "'1.65536' is not an AS number"},
      {peer("peerIP: fd00::1, asNumber: []"), "spec.asNumber: '' is not an AS number"},
      {peer("peerSelector: 'rr =='"), "spec.peerSelector: 'rr ==' is no selector: at character 6"},
      {peer("peerSelector: all(), peerIP: fd00::1"), "spec.peerSelector: is given beside peerIP"},
      {peer("peerIP: fd00::1, node: w1, nodeSelector: all()"),
       "spec.nodeSelector: is given beside node"},
      {peer("peerIP: fd00::1, maxRestartTime: soon"), "'soon' is not a duration such as 120s"},
      {peer("peerIP: fd00::1, maxRestartTime: '120'"), "'120' is not a duration"},
      {peer("peerIP: fd00::1, ttlSecurity: 255"), "spec.ttlSecurity: 255 is not a whole number"},
      {peer("peerIP: fd00::1, password: {}"), "spec.password: the field 'secretKeyRef' is missing"},
      {peer("peerIP: fd00::1, sourceAddress: Other"), "'Other' is not UseNodeIP or None"},
      {peer("peerIP: fd00::1, keepOriginalNextHop: maybe"), "is neither true nor false"},
      {object("BGPConfiguration", "default", "listenPort: 0"), "spec.listenPort: 0 is not"},
      {object("BGPConfiguration", "default",
              "prefixAdvertisements: [{cidr: 172.16.0.0/16, communities: [unnamed]}]"),
       "communities[0]: 'unnamed' is not a community such as 64512:100"},
      {object("BGPConfiguration", "default", "communities: [{name: a, value: '65536:1'}]"),
       "'65536:1' is not a community"},
      {object("BGPFilter", "f", "importV4: [{cidr: 10.0.0.0/8}]"), "the field 'action' is missing"},
      {object("BGPFilter", "f", "importV4: [{action: Accept, cidr: 10.0.0.0/8}]"),
       "the field 'matchOperator' is missing"},
      {object("BGPFilter", "f",
              "importV4: [{action: Accept, matchOperator: In, cidr: 'fd00::/8'}]"),
       "is of the other family than the list's"},
  };
  for (const auto& row : rows) {
    const auto reading = read(row.yaml);
    EXPECT_THAT(messages(reading), testing::Contains(HasSubstr(row.message))) << row.yaml;
    ASSERT_THAT(reading.objects, SizeIs(1)) << row.yaml;
    EXPECT_FALSE(reading.objects.front().usable) << row.yaml;
  }
}

TEST(CalicoBgp, ManifestsHoldItAsTheyAreEdited) {
  ManifestSet set;
  set.set_file("bgp.yaml", peer("peerIP: fd00::1") + object("BGPFilter", "pods", ""));
  EXPECT_THAT(set.peering().peers, SizeIs(1));
  EXPECT_THAT(set.peering().filters, SizeIs(1));
  set.set_file("bgp.yaml", peer("peerIP: fd00::2, password: {secretKeyRef: {name: b, key: k}}"));
  EXPECT_EQ(set.peering().peers.at("tor").address, address("fd00::2"));
  EXPECT_THAT(set.peering().filters, IsEmpty());
  EXPECT_THAT(set.peering().wanted_secrets(), ElementsAre("b"));
  set.set_file("bgp.yaml", peer("peerIP: nowhere"));
  EXPECT_EQ(set.peering().peers.at("tor").address, address("fd00::2"))
      << "its last good form stays";
  set.remove_file("bgp.yaml");
  EXPECT_EQ(set.peering(), Peering{});
}

}  // namespace
}  // namespace sextant::sources
