// Calico's objects in, the sessions of one node out.
#include "sources/bgp/calico_peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/manifest_set.h"

namespace sextant::bgp_source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

std::string node(const std::string& name, int number, const std::string& annotations = {},
                 const std::string& labels = {}) {
  const auto text = std::to_string(number);
  return "---\n{apiVersion: v1, kind: Node, metadata: {name: " + name +
         ", annotations: {sextant.dev/locator: 'fcdd:0:0:" + text + "::/64'" + annotations +
         "}, labels: {" + labels + "}}, status: {addresses: [{type: InternalIP, address: 'fd1" +
         text + "::1'}, {type: InternalIP, address: 10.0.0." + text + "}]}}\n";
}

std::string object(const std::string& kind, const std::string& name, const std::string& spec) {
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: " + kind +
         ", metadata: {name: " + name + "}, spec: {" + spec + "}}\n";
}
std::string peer(const std::string& name, const std::string& spec) {
  return object("BGPPeer", name, spec);
}
std::string configuration(const std::string& spec) {
  return object("BGPConfiguration", "default", spec);
}

constexpr auto kNoMesh = "nodeToNodeMeshEnabled: false";
const std::string kReflector = ", projectcalico.org/RouteReflectorClusterID: 1.0.0.1";

/// A cluster, as one of its nodes sees it.
class CalicoPeers : public testing::Test {
 protected:
  CalicoPeers() {
    settings_.calico.emplace();
    settings_.calico->families = {{.family = bgp::kIpv6Unicast}};
    settings_.listens_by_default = true;
    settings_.speaker.listen = {{.address = IpAddress()}};
  }
  CalicoWishes wishes(const std::string& yaml, const std::string& self = "w1") {
    set_.set_file("cluster.yaml", yaml);
    (void)set_.take_change();
    for (const auto& finding : set_.findings()) ADD_FAILURE() << finding.text();
    return calico_wishes(set_.peering(), set_.intent(), set_.intent().nodes.at(self), settings_);
  }
  /// "fd12::1 as 64512", with what is special about a session.
  static std::vector<std::string> lines(const CalicoWishes& wishes) {
    std::vector<std::string> lines;
    for (const auto& one : wishes.peers) {
      auto line = one.address.address().to_string() + " as " + std::to_string(one.remote_as);
      if (one.port != 179) line += " port " + std::to_string(one.port);
      if (one.route_reflector_client) line += " client";
      if (!one.md5_password.empty()) line += " key " + one.md5_password;
      lines.push_back(std::move(line));
    }
    return lines;
  }
  static std::vector<std::string> texts(const CalicoWishes& wishes) {
    std::vector<std::string> texts;
    for (const auto& finding : wishes.findings) texts.push_back(finding.text());
    return texts;
  }

  std::string three_ =
      node("w1", 1, "", "rack: a") + node("w2", 2, "", "rack: a") + node("w3", 3, "", "rack: b");
  BgpSettings settings_;
  sources::ManifestSet set_;
};

TEST_F(CalicoPeers, AreAMeshWhereNothingElseIsSaid) {
  const auto found = wishes(three_);
  EXPECT_EQ(found.asn, 64512U);
  EXPECT_THAT(lines(found), ElementsAre("fd12::1 as 64512", "fd13::1 as 64512"));
  EXPECT_EQ(found.peers.front().description, "w2");
  EXPECT_EQ(found.peers.front().local_address, ip("fd11::1")) << "they know this node by it";
  EXPECT_EQ(found.peers.front().ttl, std::nullopt);
  EXPECT_THAT(found.listen, ElementsAre(bgp::ListenConfig{.address = IpAddress()}));
  EXPECT_THAT(lines(wishes(three_ + configuration(kNoMesh))), IsEmpty());
}

TEST_F(CalicoPeers, OfTheMeshAreNoRoutersAndNoReflectors) {
  const auto router =
      "---\n{apiVersion: sextant.dev/v1alpha1, kind: SRv6Node, metadata: {name: r1}, spec: "
      "{addresses: ['fcff:1::1'], sids: {end: 'fcff:1::1'}}}\n";
  EXPECT_THAT(lines(wishes(three_ + router + node("rr", 4, kReflector))),
              ElementsAre("fd12::1 as 64512", "fd13::1 as 64512"));
  EXPECT_THAT(lines(wishes(three_ + node("rr", 4, kReflector), "rr")), IsEmpty());
}

TEST_F(CalicoPeers, FollowTheConfiguration) {
  const auto found = wishes(
      three_ +
      configuration("asNumber: 65001, listenPort: 1179, bindMode: NodeIP, "
                    "nodeMeshMaxRestartTime: 30s, "
                    "nodeMeshPassword: {secretKeyRef: {name: bgp, key: mesh}}, "
                    "prefixAdvertisements: [{cidr: 172.16.0.0/16, communities: ['1:2']}]") +
      object("BGPConfiguration", "node.w3", "listenPort: 2179") +
      "---\n{apiVersion: v1, kind: Secret, metadata: {name: bgp}, stringData: {mesh: s3cret}}\n");
  EXPECT_EQ(found.asn, 65001U);
  EXPECT_THAT(found.listen, ElementsAre(bgp::ListenConfig{.address = ip("fd11::1"), .port = 1179}));
  EXPECT_THAT(lines(found), ElementsAre("fd12::1 as 65001 port 1179 key s3cret",
                                        "fd13::1 as 65001 port 2179 key s3cret"));
  EXPECT_EQ(found.peers.front().graceful_restart.restart_time.count(), 30);
  ASSERT_EQ(found.advertisements.size(), 1U);
  EXPECT_THAT(found.advertisements.front().communities, ElementsAre("1:2"));
}

TEST_F(CalicoPeers, HaveTheAsOfTheirNode) {
  const auto cluster = node("w1", 1) + node("w2", 2, ", projectcalico.org/ASNumber: '65002'") +
                       configuration("asNumber: 65001");
  auto found = wishes(cluster);
  EXPECT_THAT(lines(found), ElementsAre("fd12::1 as 65002"));
  EXPECT_EQ(found.peers.front().ttl, 64) << "external peers may be some routers away";
  EXPECT_EQ(wishes(cluster, "w2").asn, 65002U);
  settings_.speaker.asn = 65009;  // the file's, in the place of the configuration's
  found = wishes(cluster);
  EXPECT_EQ(found.asn, 65009U);
  EXPECT_THAT(lines(wishes(cluster, "w2")), ElementsAre("fd11::1 as 65009"));
}

TEST_F(CalicoPeers, AreThoseOfTheNodeAndOfAll) {
  const auto cluster = three_ + configuration(kNoMesh) + peer("all", "peerIP: fd00::1") +
                       peer("one", "peerIP: fd00::2, node: w1, asNumber: 65001") +
                       peer("other", "peerIP: fd00::3, node: w2") +
                       peer("rack", "peerIP: '[fd00::4]:1179', nodeSelector: \"rack == 'a'\"") +
                       peer("racks", "peerIP: 10.0.0.99, nodeSelector: \"rack == 'b'\"");
  EXPECT_THAT(lines(wishes(cluster)),
              ElementsAre("fd00::1 as 64512", "fd00::2 as 65001", "fd00::4 as 64512 port 1179"));
  const auto third = wishes(cluster, "w3");
  EXPECT_THAT(lines(third), ElementsAre("fd00::1 as 64512", "10.0.0.99 as 64512"));
  EXPECT_EQ(third.peers.back().local_address, ip("10.0.0.3")) << "of the peer's family";
}

/// Reflectors by labels, as Calico's documentation has it: both ends come from one object.
TEST_F(CalicoPeers, ChosenBySelectorPeerBack) {
  const auto cluster = three_ + node("rr1", 4, kReflector, "rr: ''") +
                       node("rr2", 5, kReflector, "rr: ''") + configuration(kNoMesh) +
                       peer("to-reflectors", "nodeSelector: '!has(rr)', peerSelector: has(rr)") +
                       peer("reflectors", "nodeSelector: has(rr), peerSelector: has(rr)");
  const auto worker = wishes(cluster);
  EXPECT_THAT(lines(worker), ElementsAre("fd14::1 as 64512", "fd15::1 as 64512"));
  EXPECT_EQ(worker.cluster_id, std::nullopt);
  const auto reflector = wishes(cluster, "rr1");
  EXPECT_EQ(reflector.cluster_id, Ipv4Address::parse("1.0.0.1").value());
  EXPECT_THAT(lines(reflector), ElementsAre("fd15::1 as 64512",  // of the same cluster: no client
                                            "fd11::1 as 64512 client", "fd12::1 as 64512 client",
                                            "fd13::1 as 64512 client"));
}

TEST_F(CalicoPeers, ChosenByAddressPeerBackUnlessManual) {
  const auto cluster = [&](const std::string& more) {
    return three_ + configuration(kNoMesh) + peer("to-w3", "node: w1, peerIP: 'fd13::1'" + more);
  };
  EXPECT_THAT(lines(wishes(cluster(""))), ElementsAre("fd13::1 as 64512"));
  EXPECT_THAT(lines(wishes(cluster(""), "w3")), ElementsAre("fd11::1 as 64512"));
  EXPECT_THAT(lines(wishes(cluster(""), "w2")), IsEmpty());
  EXPECT_THAT(lines(wishes(cluster(", reversePeering: Manual"), "w3")), IsEmpty());
  EXPECT_THAT(lines(wishes(cluster(", asNumber: 65001"), "w3")), IsEmpty()) << "another's AS";
}

TEST_F(CalicoPeers, OfOneAddressTheFirstCounts) {
  settings_.speaker.asn = 64512;
  settings_.speaker.peers = {{.address = IpPrefix::host(ip("fd12::1")), .remote_as = 64512}};
  const auto found =
      wishes(three_ + peer("a", "peerIP: 'fd13::1', ttlSecurity: 3") +
             peer("b", "node: w1, peerIP: '[fd13::1]:1179'") + peer("self", "peerIP: 'fd11::1'"));
  EXPECT_THAT(lines(found), ElementsAre("fd13::1 as 64512")) << "the file has fd12::1 already";
  EXPECT_EQ(found.peers.front().gtsm_hops, 3);
  EXPECT_THAT(texts(found), ElementsAre(HasSubstr("BGPPeer/b: there is a session with fd13::1")));
}

TEST_F(CalicoPeers, TakeWhatTheSettingsSayOfThem) {
  settings_.calico->dialect = bgp::SrPolicyDialect::kCalicoVpp;
  settings_.calico->port = 1179;
  settings_.calico->local_address = ip("fd11::9");
  const auto found = wishes(three_ + peer("tor",
                                          "peerIP: fd00::1, sourceAddress: None, "
                                          "keepOriginalNextHop: true, asNumber: 65001"));
  EXPECT_THAT(lines(found), ElementsAre("fd00::1 as 65001", "fd12::1 as 64512 port 1179",
                                        "fd13::1 as 64512 port 1179"));
  EXPECT_EQ(found.listen.front().port, 1179) << "nodes find each other there";
  for (const auto& one : found.peers) {
    EXPECT_EQ(one.dialect, bgp::SrPolicyDialect::kCalicoVpp);
    EXPECT_EQ(one.local_address, ip("fd11::9"));
  }
  EXPECT_TRUE(found.peers.front().families.front().keep_next_hop);
  settings_.listens_by_default = false;
  settings_.speaker.listen.clear();
  EXPECT_THAT(wishes(three_ + configuration("listenPort: 1179")).listen, IsEmpty());
  settings_.mesh.emplace();
  EXPECT_THAT(lines(wishes(three_)), IsEmpty()) << "the file has a mesh of its own";
}

/// Injectors are among the internal peers that are no nodes.
TEST_F(CalicoPeers, HearWhatBecomesOfPoliciesWhereTheyMayInjectThem) {
  settings_.calico_tells_injectors = true;
  const auto found =
      wishes(three_ + peer("injector", "peerIP: fd00::1") + peer("node", "peerIP: 'fd12::1'") +
             peer("tor", "peerIP: fd00::2, asNumber: 65001"));
  std::vector<std::string> told;
  for (const auto& one : found.peers) {
    if (std::ranges::count(one.families, bgp::kLinkState, &bgp::PeerFamily::family) != 0)
      told.push_back(one.address.address().to_string());
  }
  EXPECT_THAT(told, ElementsAre("fd00::1"));
}

TEST_F(CalicoPeers, WithoutTheirPasswordOrFilterAreTold) {
  const auto found =
      wishes(three_ + configuration(kNoMesh) +
             peer("locked", "peerIP: fd00::1, password: {secretKeyRef: {name: bgp, key: tor}}") +
             peer("open", "peerIP: fd00::2, filters: [gone]"));
  EXPECT_THAT(lines(found), ElementsAre("fd00::2 as 64512")) << "one misses, the others go on";
  EXPECT_THAT(texts(found),
              ElementsAre(HasSubstr("BGPPeer/locked: no session with fd00::1: its password is not "
                                    "to be had (Secret bgp, key tor)"),
                          HasSubstr("BGPPeer/open: there is no BGPFilter 'gone'")));
}

TEST_F(CalicoPeers, FilterRoutes) {
  const auto found = wishes(
      three_ + configuration(kNoMesh) + peer("tor", "peerIP: fd00::1, filters: [pods]") +
      object("BGPFilter", "pods",
             "importV4: [{action: Reject, peerType: eBGP}], importV6: [{action: Reject, "
             "matchOperator: NotIn, cidr: 'fdfb::/16'}, {action: Reject, matchOperator: In, cidr: "
             "'fdfb:1::/32', communities: {values: ['64512:1']}}], exportV4: [{action: Accept, "
             "matchOperator: In, cidr: 172.16.0.0/16}, {action: Reject}]"));
  ASSERT_EQ(found.peers.size(), 1U);
  const auto& one = found.peers.front();
  bgp::Attributes tagged;
  tagged.communities = {bgp::community_of("64512:1").value()};
  const auto verdict = [](const bgp::RouteFilter& filter, std::string_view prefix,
                          const bgp::Attributes& attributes = {}) {
    return filter.reject(IpPrefix::parse(prefix).value(), &attributes).value_or("passes");
  };
  EXPECT_EQ(verdict(one.export_filter, "172.16.1.0/24"), "passes");
  EXPECT_EQ(verdict(one.export_filter, "10.0.0.0/8"), "filter rule 'pods'");
  EXPECT_EQ(verdict(one.export_filter, "fdfb::/64"), "passes") << "the other family's";
  EXPECT_EQ(verdict(one.import_filter, "fdfb:1::/64"), "passes");
  EXPECT_EQ(verdict(one.import_filter, "fdfb:1::/64", tagged), "filter rule 'pods'");
  EXPECT_EQ(verdict(one.import_filter, "fdaa::/64"), "filter rule 'pods'");
  EXPECT_EQ(verdict(one.import_filter, "10.0.0.0/8"), "passes") << "that rule is for other peers";
}

}  // namespace
}  // namespace sextant::bgp_source
