// Calico's objects in, nodes with their locators and pod prefixes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sources/intent_store.h"
#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kNodes = R"(
{apiVersion: v1, kind: Node, metadata: {name: worker1}, spec: {podCIDRs: [10.244.1.0/24]},
 status: {addresses: [{type: InternalIP, address: "fd11::1000"}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: worker2}, spec: {podCIDRs: [10.244.2.0/24]},
 status: {addresses: [{type: InternalIP, address: "fd12::1000"}]}}
)";

std::string pool(std::string_view name, std::string_view cidr) {
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: " +
         std::string(name) + "}, spec: {blockSize: 122, cidr: \"" + std::string(cidr) +
         "\", ipipMode: Never, nodeSelector: all(), vxlanMode: Never}}\n";
}

/// As Calico names them: NODE-CIDR.
std::string affinity(const std::string& node, std::string cidr, const std::string& more = {}) {
  auto name = node + "-" + cidr;
  for (auto& c : name)
    if (c == '.' || c == ':' || c == '/') c = '-';
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: BlockAffinity, metadata: {name: " +
         name + "}, spec: {cidr: \"" + cidr + "\", node: " + node +
         (more.empty() ? ", deleted: \"false\", state: confirmed" : ", " + more) + "}}\n";
}

/// A block of four addresses.
std::string block(std::string_view owner, std::string_view allocations, std::string_view nodes) {
  std::string attributes;
  std::istringstream names{std::string(nodes)};
  for (std::string name; names >> name;) {
    attributes += "{handle_id: k8s-pod-network.x, secondary: {namespace: default, pod: p";
    if (name != "-") attributes += ", node: " + name;
    attributes += "}}, ";
  }
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: IPAMBlock, metadata: {name: "
         "172-16-0-64-30}, spec: {" +
         (owner.empty() ? std::string() : "affinity: \"" + std::string(owner) + "\", ") +
         "cidr: 172.16.0.64/30, allocations: [" + std::string(allocations) + "], attributes: [" +
         attributes + "], deleted: false, strictAffinity: false, unallocated: [3]}}\n";
}

class Calico : public testing::Test {
 protected:
  explicit Calico(Ipam ipam = Ipam::kAuto) : store_(ipam) { take(kNodes); }

  overlay::IntentChange take(const std::string& yaml) {
    reading_ = read(yaml);
    for (const auto& object : reading_.objects) {
      EXPECT_THAT(object.findings, IsEmpty());
      store_.set(object.key, object.usable ? std::make_shared<const Object>(object) : nullptr);
    }
    return store_.take_change();
  }
  overlay::IntentChange remove(const std::string& kind, const std::string& name) {
    store_.set({kind, name}, nullptr);
    return store_.take_change();
  }
  [[nodiscard]] const overlay::Node& node(const std::string& name) const {
    return store_.intent().nodes.at(name);
  }
  [[nodiscard]] std::vector<std::string> prefixes(const std::string& name) const {
    std::vector<std::string> texts;
    for (const auto& pods : node(name).pod_prefixes) texts.push_back(pods.prefix.to_string());
    return texts;
  }

  Reading reading_;
  IntentStore store_;
};

class CalicoOff : public Calico {
 protected:
  CalicoOff() : Calico(Ipam::kNode) {}
};
class CalicoOn : public Calico {
 protected:
  CalicoOn() : Calico(Ipam::kCalico) {}
};

TEST_F(Calico, BlockAffinitiesTakeThePlaceOfPodCidrsOfEveryNode) {
  EXPECT_THAT(prefixes("worker1"), ElementsAre("10.244.1.0/24"));
  EXPECT_FALSE(node("worker1").pods_have_all_addresses);
  const auto change =
      take(affinity("worker1", "172.16.0.64/26") + affinity("worker1", "fdfb:af47:32af::40/122"));
  EXPECT_EQ(change.nodes.size(), 2U);
  EXPECT_EQ(store_.ipam(), Ipam::kCalico);
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.0.64/26", "fdfb:af47:32af::40/122"));
  EXPECT_THAT(prefixes("worker2"), IsEmpty());
  EXPECT_TRUE(node("worker2").pods_have_all_addresses);
  (void)remove("BlockAffinity", "worker1-172-16-0-64-26");
  (void)remove("BlockAffinity", "worker1-fdfb-af47-32af--40-122");
  EXPECT_EQ(store_.ipam(), Ipam::kNode);
  EXPECT_THAT(prefixes("worker2"), ElementsAre("10.244.2.0/24"));
}

TEST_F(Calico, OnlyConfirmedAffinitiesOfHostsCount) {
  (void)take(affinity("worker1", "172.16.0.0/26", R"(state: pending, deleted: "false")") +
             affinity("worker1", "172.16.1.0/26", R"(state: confirmed, deleted: "true")") +
             affinity("worker1", "172.16.2.0/26", "state: pendingDeletion, deleted: \"false\"") +
             affinity("load-balancer", "172.16.3.0/26", "state: confirmed, type: virtual") +
             affinity("worker1", "172.16.4.0/26", "state: confirmed, type: host"));
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.4.0/26"));
  EXPECT_EQ(store_.intent().nodes.size(), 2U) << "an affinity makes no node";
  (void)take(affinity("worker1", "172.16.4.0/26", "state: pendingDeletion, deleted: \"false\""));
  EXPECT_EQ(store_.ipam(), Ipam::kNode) << "the last one is gone";
}

TEST_F(Calico, AddressesOfAnotherNodesBlockAreHostPrefixesOfTheBorrower) {
  (void)take(affinity("worker1", "172.16.0.64/30"));
  auto change = take(block("host:worker1", "0, 1, 1, null", "worker1 worker2"));
  EXPECT_EQ(change.nodes.size(), 1U) << "the lender stays as it is";
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.0.64/30"));
  EXPECT_THAT(prefixes("worker2"), ElementsAre("172.16.0.65/32", "172.16.0.66/32"));
  change = take(block("host:worker1", "0, null, 1, null", "worker1 worker2"));
  EXPECT_THAT(prefixes("worker2"), ElementsAre("172.16.0.66/32"));
  change = take(block("host:worker1", "0, null, null, null", "worker1"));
  EXPECT_THAT(prefixes("worker2"), IsEmpty());
  change = take(block("host:worker1", "0, null, null, 0", "worker1"));
  EXPECT_TRUE(change.empty()) << "a pod comes up on the block's own node";
}

TEST_F(Calico, ABlockOfNobodyLendsAllItsAddresses) {
  (void)take(affinity("worker1", "172.16.9.0/26"));
  (void)take(block("", "0, 1, 2, null", "worker1 worker2 -"));
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.9.0/26", "172.16.0.64/32"));
  EXPECT_THAT(prefixes("worker2"), ElementsAre("172.16.0.65/32"));
  (void)take(block("virtual:load-balancer", "0, 1, null, null", "worker1 worker2"));
  EXPECT_THAT(prefixes("worker2"), IsEmpty()) << "addresses of Services are no pods'";
}

TEST_F(Calico, ABorrowerWithoutANodeWaitsForIt) {
  (void)take(affinity("worker1", "172.16.0.64/30") +
             block("host:worker1", "0, null, null, null", "worker3"));
  EXPECT_FALSE(store_.intent().nodes.contains("worker3"));
  (void)take("{apiVersion: v1, kind: Node, metadata: {name: worker3}}");
  EXPECT_THAT(prefixes("worker3"), ElementsAre("172.16.0.64/32"));
  (void)remove("IPAMBlock", "172-16-0-64-30");
  EXPECT_THAT(prefixes("worker3"), IsEmpty());
}

TEST_F(Calico, PoolsOfSidsAreLocatorsAndClosedPrefixesAndNoPods) {
  (void)take(affinity("worker1", "172.16.0.64/26") +
             affinity("worker1", "fcdd:0:0:11aa:c11:b42f:f17e:a680/122") +
             affinity("worker1", "cafe::180/122"));
  EXPECT_EQ(prefixes("worker1").size(), 3U) << "nobody says yet that they hold SIDs";
  (void)take(pool("sr-localsids-pool-worker1", "fcdd:0:0:11aa::/64") +
             pool("sr-policies-pool", "cafe::/118") + pool("default-ipv4-ippool", "172.16.0.0/16"));
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.0.64/26"));
  EXPECT_EQ(node("worker1").locator.value().to_string(), "fcdd:0:0:11aa::/64");
  EXPECT_FALSE(node("worker2").locator);
  const auto& closed = store_.intent().sid_prefixes;
  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed.at({"IPPool", "sr-policies-pool"}), prefix("cafe::/118"));
  EXPECT_EQ(closed.at({"IPPool", "sr-localsids-pool-worker1"}), prefix("fcdd:0:0:11aa::/64"));
  const auto change = remove("IPPool", "sr-policies-pool");
  EXPECT_EQ(change.sid_prefixes.size(), 1U);
  EXPECT_EQ(prefixes("worker1").size(), 2U);
}

TEST_F(Calico, ALocatorComesFromTheFirstThatHasOne) {
  const auto claim =
      "---\n{apiVersion: sextant.dev/v1alpha1, kind: SRv6Locator, metadata: {name: "
      "fcbb-bb00-0001-48}, spec: {prefix: \"fcbb:bb00:1::/48\", nodeName: worker1, "
      "reach: OnLink}}\n";
  (void)take(claim);
  EXPECT_EQ(node("worker1").locator.value().to_string(), "fcbb:bb00:1::/48");
  EXPECT_EQ(node("worker1").reach, overlay::LocatorReach::kOnLink);
  (void)take(pool("sr-localsids-pool-worker1", "fcdd:0:0:11aa::/64"));
  EXPECT_EQ(node("worker1").locator.value().to_string(), "fcdd:0:0:11aa::/64");
  EXPECT_EQ(node("worker1").reach, overlay::LocatorReach::kFabric) << "not the claim's";
  (void)take(
      "{apiVersion: v1, kind: Node, metadata: {name: worker1, annotations: "
      "{sextant.dev/locator: \"fcee:1::/48\", sextant.dev/locator-reach: on-link}}}");
  EXPECT_EQ(node("worker1").locator.value().to_string(), "fcee:1::/48");
  EXPECT_EQ(node("worker1").reach, overlay::LocatorReach::kOnLink);
  (void)take(
      "{apiVersion: sextant.dev/v1alpha1, kind: SRv6Node, metadata: {name: worker1}, spec: "
      "{locator: \"fcff:1::/48\"}}");
  EXPECT_EQ(node("worker1").locator.value().to_string(), "fcff:1::/48");
  ASSERT_EQ(store_.findings().size(), 1U) << "two people have said something else";
  EXPECT_THAT(store_.findings().at("worker1").front().text(),
              HasSubstr("the locator annotation fcee:1::/48 is ignored: SRv6Node/worker1 has"));
}

TEST_F(Calico, CalicoVppsConfigurationNamesThePrefixesOfSids) {
  (void)take(affinity("worker1", "172.16.0.64/26") + affinity("worker1", "cafe::180/122"));
  (void)take(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-vpp-config, namespace: calico-vpp-dataplane}
data:
  SERVICE_PREFIX: 10.96.0.0/12
  CALICOVPP_SRV6: |-
    {
      "policyPool": "cafe::/118",
      "localsidPool": "fcdd::/48",
    }
)");
  EXPECT_THAT(prefixes("worker1"), ElementsAre("172.16.0.64/26"));
  EXPECT_EQ(store_.intent().sid_prefixes.at({"ConfigMap", "calico-vpp-config[0]"}),
            prefix("fcdd::/48"));
  EXPECT_EQ(store_.intent().sid_prefixes.at({"ConfigMap", "calico-vpp-config[1]"}),
            prefix("cafe::/118"));
  (void)take(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: calico-vpp-config}, data: "
      "{SERVICE_PREFIX: x}}");
  EXPECT_THAT(store_.intent().sid_prefixes, IsEmpty());
}

TEST_F(CalicoOff, BlocksDoNotCount) {
  (void)take(affinity("worker1", "172.16.0.64/26"));
  EXPECT_THAT(prefixes("worker1"), ElementsAre("10.244.1.0/24"));
  EXPECT_FALSE(node("worker1").pods_have_all_addresses);
}

TEST_F(CalicoOn, PodCidrsDoNotCountBeforeTheFirstBlockEither) {
  EXPECT_THAT(prefixes("worker1"), IsEmpty());
  (void)take(
      "{apiVersion: sextant.dev/v1alpha1, kind: SRv6Node, metadata: {name: worker1}, spec: "
      "{podPrefixes: [{prefix: 10.9.0.0/24}]}}");
  EXPECT_THAT(prefixes("worker1"), ElementsAre("10.9.0.0/24")) << "somebody's own word";
}

TEST(CalicoReaders, SayWhatIsWrong) {
  const auto reading =
      read(affinity("worker1", "172.16.0.64/33") + pool("sr-localsids-pool-worker1", "10.0.0.0/8") +
           pool("sr-localsids-pool-worker2", "fcdd::/4") +
           block("host:worker1", "x, null", "worker2") + R"(---
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-vpp-config}
data: {CALICOVPP_SRV6: '{"policyPool": "cafe::/999", "localsidPool": "10.0.0.0/8"}'}
---
apiVersion: crd.projectcalico.org/v1
kind: BlockAffinity
metadata: {name: b}
spec: {node: worker1}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: default-ipv4-ippool}
spec: nonsense
)");
  EXPECT_THAT(messages(reading),
              ElementsAre(HasSubstr("spec.cidr: '172.16.0.64/33'"),
                          HasSubstr("spec.cidr: '10.0.0.0/8' is not IPv6: the pool holds SIDs"),
                          HasSubstr("spec.cidr: 'fcdd::/4'"),
                          HasSubstr("spec.allocations[0]: a string (x) where a number is needed"),
                          HasSubstr("data.CALICOVPP_SRV6: localsidPool: '10.0.0.0/8' is not IPv6"),
                          HasSubstr("data.CALICOVPP_SRV6: policyPool: 'cafe::/999'"),
                          HasSubstr("the field 'cidr' is missing"),
                          HasSubstr("the field 'state' is missing")));
  for (const auto& object : reading.objects) EXPECT_FALSE(object.usable) << object.key.to_string();
}

}  // namespace
}  // namespace sextant::sources
