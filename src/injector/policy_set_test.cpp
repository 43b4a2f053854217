// What files say, of all kinds, and what is said about mistakes in them.
#include "injector/policy_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "injector/policy_document.h"

namespace sextant::injector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// As the paper's testbed has it.
const std::string& srv6_pi() {
  static const auto text = [] {
    std::ifstream file(SEXTANT_SOURCE_DIR "/tests/interop/bgp/srv6_pi.yaml");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return text;
}

PolicySet read(const std::string& text) { return read_policies({{"p.yaml", text}}); }

std::vector<std::string> texts(const PolicySet& set) {
  std::vector<std::string> found;
  for (const auto& finding : set.findings) found.push_back(finding.text());
  return found;
}

Ipv6Address ipv6(std::string_view text) { return Ipv6Address::parse(text).value(); }

TEST(PolicySet, ReadsFilesOfSrv6PiAsTheyAre) {
  const auto set = read(srv6_pi());
  ASSERT_THAT(texts(set), IsEmpty());
  ASSERT_EQ(set.policies.size(), 1U);
  const auto& policy = set.policies.front().policy;
  EXPECT_EQ(to_string(policy.key), "94,fd12::1000,4");
  EXPECT_EQ(policy.title(), "94,fd12::1000,4") << "it has no name";
  EXPECT_EQ(policy.family(), bgp::kSrPolicyIpv6);
  EXPECT_EQ(policy.next_hop->to_string(), "fd12::1000");
  EXPECT_EQ(policy.tunnel.srv6_bsid(), ipv6("cafe::25"));
  EXPECT_EQ(policy.tunnel.priority, 0);
  EXPECT_FALSE(policy.tunnel.preference);
  ASSERT_EQ(policy.tunnel.lists.size(), 1U);
  const auto& list = policy.tunnel.lists.front();
  EXPECT_FALSE(list.weight) << "0 is that of an only list: no headend takes it as it is";
  EXPECT_EQ(list.unusable(), "");
  ASSERT_EQ(list.segments.size(), 3U);
  EXPECT_EQ(list.segments[2].sid, ipv6("fcdd::12aa:d460:b250:45:b05"));
  EXPECT_EQ(list.segments[2].behavior->behavior, srv6::Behavior::kEndDt6);
}

TEST(PolicySet, TellsWithdrawalsOfSrv6PiApart) {
  const auto set = read(
      "nlri: {distinguisher: 4, color: 94, endpoint: \"fd12::1000\"}\n"
      "iswithdraw: true\n");
  ASSERT_THAT(texts(set), IsEmpty());
  EXPECT_THAT(set.wanted(), IsEmpty());
  ASSERT_EQ(set.unwanted().size(), 1U);
}

constexpr auto kWhole = R"(
apiVersion: sextant.dev/v1alpha1
kind: InjectedPolicy
metadata: {name: gold}
spec:
  distinguisher: 7
  color: 100
  endpoint: "fd12::1000"
  headends: [10.0.0.1, 10.0.0.2]
  convention: CalicoVPP
  nextHop: "fd00::9"
  preference: 200
  priority: 10
  bindingSID: {sid: "cafe::1", flags: 64}
  srv6BindingSIDs:
  - {sid: "cafe::2", behavior: 14, structure: {blockLength: 32, nodeLength: 16, functionLength: 16, argumentLength: 0}}
  explicitNull: 4
  policyName: the golden one
  candidatePathName: "via: r6"
  segmentLists:
  - weight: 3
    segments: ["fcff:6::1", {sid: "fcdd:0:0:12aa:12::", behavior: End.DT6}]
  - weight: 1
    segments: [{sid: "fcff:7::1", flags: 128}, {type: 1, value: "00000010"}]
)";

TEST(PolicySet, ReadsWhatItWrites) {
  const auto first = read(kWhole);
  ASSERT_THAT(texts(first), IsEmpty());
  const auto& policy = first.policies.front().policy;
  EXPECT_EQ(policy.headends.size(), 2U);
  EXPECT_EQ(policy.tunnel.preference, 200U);
  EXPECT_EQ(policy.tunnel.binding_sid->flags, 0x40);
  EXPECT_EQ(policy.tunnel.lists[0].weight, 3U);
  EXPECT_EQ(policy.tunnel.lists[0].segments[0].flags, 0);
  EXPECT_EQ(policy.tunnel.lists[0].segments[1].flags, bgp::kSegmentFlagBehavior);
  EXPECT_EQ(policy.tunnel.lists[1].segments[1].type, bgp::SegmentType::kA);
  for (const auto& text : {std::string(kWhole), srv6_pi()}) {
    const auto set = read(text);
    const auto written = boost::json::serialize(to_document(set.policies.front().policy));
    const auto again = read(written);
    ASSERT_THAT(texts(again), IsEmpty()) << written;
    EXPECT_EQ(again.policies.front().policy, set.policies.front().policy) << written;
  }
}

TEST(PolicySet, TakesSeveralDocumentsAndLists) {
  const auto document = boost::json::serialize(to_document(read(kWhole).policies[0].policy));
  const auto set = read("---\n" + srv6_pi() + "---\n{\"items\": [" + document + "]}\n");
  EXPECT_THAT(texts(set), IsEmpty());
  EXPECT_EQ(set.wanted().size(), 2U);
}

TEST(PolicySet, SaysEveryMistakeWithItsLine) {
  const auto set = read(R"(nlri: {distinguisher: -1, color: 0, endpoint: "fd12::1000"}
family: {afi: 1, safi: 73}
segmentlist:
  segments:
  - {sid: "10.0.0.1", behavior: 18}
bsid: 5
---
apiVersion: sextant.dev/v1alpha1
kind: InjectedPolicy
metadata: {name: bad}
spec:
  color: 1
  endpoint: "ff02::1"
  headends: ["fd00::1"]
  segmentLists: []
---
just text
---
apiVersion: v1
kind: Pod
metadata: {name: a}
)");
  EXPECT_TRUE(set.failed());
  EXPECT_THAT(set.policies, IsEmpty());
  EXPECT_THAT(
      texts(set),
      ElementsAre(HasSubstr("p.yaml:1: File/p.yaml: nlri.distinguisher: -1 is not a whole number"),
                  HasSubstr("p.yaml:1: File/p.yaml: nlri.color: 0 is not a whole number from 1"),
                  HasSubstr("p.yaml:6: File/p.yaml: bsid: a number (5) where a string"),
                  HasSubstr("p.yaml:5: File/p.yaml: segmentlist.segments[0].sid: "),
                  HasSubstr("p.yaml:13: InjectedPolicy/bad: spec.endpoint: "),
                  HasSubstr("p.yaml:14: InjectedPolicy/bad: spec.headends[0]: 'fd00::1' is not a "
                            "BGP identifier"),
                  HasSubstr("p.yaml:15: InjectedPolicy/bad: spec.segmentLists: is empty"),
                  HasSubstr("p.yaml:17: File/p.yaml: a string where a Kubernetes object"),
                  HasSubstr("Pod/a: is neither a policy nor a node: ignored")));
}

TEST(PolicySet, RefusesFamiliesThatDoNotFitTheEndpoint) {
  auto text = srv6_pi();
  text.replace(text.find("afi: 2"), 6, "afi: 1");
  EXPECT_THAT(texts(read(text)),
              ElementsAre(HasSubstr("afi 1, safi 73 is not the family of an SR Policy to "
                                    "fd12::1000, which is afi 2, safi 73")));
}

TEST(PolicySet, RefusesWhatNoMessageHolds) {
  std::string segments;
  for (int i = 0; i < 200; ++i) segments += "  - {sid: \"fcff:6::1\", behavior: 18}\n";
  auto text = srv6_pi();
  text.insert(text.find("  - {sid"), segments);
  const auto found = texts(read(text));
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front(), HasSubstr("a BGP message has room for 3500"));
}

TEST(PolicySet, RefusesTheSameKeyTwice) {
  const auto set = read_policies({{"a.yaml", srv6_pi()}, {"b.yaml", srv6_pi()}});
  EXPECT_THAT(texts(set),
              ElementsAre(HasSubstr("b.yaml:2: InjectedPolicy/94,fd12::1000,4: color 94, endpoint "
                                    "fd12::1000, distinguisher 4 is that of a.yaml:2 too")));
}

constexpr auto kSrv6Policy = R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: silver}
spec:
  color: 50
  endpoint: {nodeName: worker2}
  headend: {nodeNames: [master]}
  bindingSID: "cafe::30"
  fallback: Drop
  candidatePaths:
  - name: first
    preference: 200
    discriminator: 9
    segmentLists:
    - {weight: 2, segments: [r6, "fcff:8::1"]}
    - {segments: ["fcff:7::1", "fcdd:0:0:12aa:12::"]}
  - preference: 100
    segmentLists: [{segments: ["fcff:2::1"]}]
)";
constexpr auto kNodes = R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: master}
spec: {addresses: ["fd10::1000", 192.168.10.254], locator: "fcdd:0:0:aa::/64"}
---
apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: worker2}
spec: {addresses: [192.168.12.254, "fd12::1000"], locator: "fcdd:0:0:12aa::/64"}
---
apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: r6}
spec: {sids: {end: "fcff:6::1"}}
)";

TEST(PolicySet, MakesAnInjectedPolicyOfEachCandidatePath) {
  const auto set = read_policies({{"p.yaml", kSrv6Policy}, {"nodes.yaml", kNodes}});
  ASSERT_THAT(texts(set), IsEmpty());
  const auto policies = set.wanted();
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_EQ(policies[0].name, "silver");
  EXPECT_EQ(to_string(policies[0].key), "50,fd12::1000,9");
  EXPECT_THAT(policies[0].headends, ElementsAre(Ipv4Address::parse("192.168.10.254").value()));
  const auto& tunnel = policies[0].tunnel;
  EXPECT_EQ(tunnel.preference, 200U);
  EXPECT_EQ(tunnel.candidate_path_name, "first");
  EXPECT_EQ(tunnel.binding_sid->sid, ipv6("cafe::30"));
  EXPECT_EQ(tunnel.binding_sid->flags, 0x40) << "drop upon invalid";
  ASSERT_EQ(tunnel.lists.size(), 2U);
  EXPECT_EQ(tunnel.lists[0].segments[0].sid, ipv6("fcff:6::1")) << "r6's End SID";
  EXPECT_FALSE(tunnel.lists[0].segments[1].behavior);
  EXPECT_EQ(tunnel.lists[1].segments[1].behavior->behavior, srv6::Behavior::kEndDt6)
      << "worker2's derived SID";
  EXPECT_EQ(policies[1].name, "silver");
  EXPECT_NE(policies[1].key.distinguisher, 9U);
}

TEST(PolicySet, SaysWhichNamesNobodyExplains) {
  EXPECT_THAT(texts(read(kSrv6Policy)),
              ElementsAre(HasSubstr("spec.endpoint.nodeName: 'worker2' is a name, which BGP does "
                                    "not carry; give the SRv6Node"),
                          HasSubstr("spec.headend.nodeNames: 'master' is a name"),
                          HasSubstr("spec.candidatePaths 'first': 'r6' is a name")));
}

TEST(PolicySet, RefusesFamiliesThatBgpCannotTell) {
  auto text = std::string(kSrv6Policy);
  text.insert(text.find("  fallback"), "  ipFamilies: [IPv4]\n");
  const auto found = texts(read_policies({{"p.yaml", text}, {"nodes.yaml", kNodes}}));
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front(), HasSubstr("spec.ipFamilies: BGP says which family"));
}

}  // namespace
}  // namespace sextant::injector
