#include "testbed/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "testbed/testbed.h"

namespace sextant::testbed {
namespace {

class EachTopology : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EachTopology, testing::Values(Kind::kBasic, Kind::kFull),
                         [](const auto& row) { return std::string{to_string(row.param)}; });

TEST_P(EachTopology, LinksJoinMachinesThatExistUnderUniqueDeviceNames) {
  const Topology& lab = topology(GetParam());
  const std::vector<std::string> names = lab.machines();
  const std::set<std::string> machines(names.begin(), names.end());
  EXPECT_EQ(machines.size(), names.size());
  std::set<std::pair<std::string, std::string>> devices;
  for (const Link& link : lab.links) {
    for (const LinkEnd& end : {link.a, link.b}) {
      EXPECT_TRUE(machines.contains(end.machine)) << end.machine;
      EXPECT_LT(end.device.size(), 16U) << end.device;
      EXPECT_TRUE(devices.emplace(end.machine, end.device).second) << end.device;
    }
  }
}

TEST_P(EachTopology, AddressesAreValidAndGivenOnce) {
  std::set<std::string> seen;
  for (const Link& link : topology(GetParam()).links) {
    std::set<IpPrefix> nets_a, nets_b;
    for (const auto& [end, nets] : {std::pair{&link.a, &nets_a}, {&link.b, &nets_b}}) {
      for (const std::string& text : end->addresses) {
        const auto address = IpAddress::parse(without_length(text));
        ASSERT_TRUE(address) << text;
        EXPECT_TRUE(seen.insert(address->to_string()).second) << text;
        const auto length = static_cast<std::uint8_t>(std::stoi(text.substr(text.find('/') + 1)));
        nets->insert(IpPrefix{*address, length});
      }
    }
    if (!nets_b.empty()) {
      EXPECT_EQ(nets_a, nets_b) << link.a.machine << " " << link.b.machine;
    }
  }
}

TEST_P(EachTopology, FixedSidsLieInTheNodesLocator) {
  for (const ClusterNode& node : topology(GetParam()).nodes) {
    const auto locator = IpPrefix::parse(node.locator);
    ASSERT_TRUE(locator) << node.locator;
    for (const std::string& sid : {node.dt4, node.dt6}) {
      const auto address = IpAddress::parse(sid);
      ASSERT_TRUE(address) << sid;
      EXPECT_TRUE(locator->contains(*address)) << sid;
    }
    for (const std::string& prefix : node.pod_prefixes) {
      EXPECT_TRUE(IpPrefix::parse(prefix)) << prefix;
    }
  }
}

TEST(FullTopology, PoliciesNameRoutersAndNodesAndUniqueBindingSidsOfThePool) {
  const Topology& lab = topology(Kind::kFull);
  const IpPrefix pool = IpPrefix::parse("cafe::/118").value();
  std::set<std::string> sids;
  EXPECT_EQ(lab.policies.size(), 12U);
  for (const PolicyRow& policy : lab.policies) {
    EXPECT_NE(lab.node(policy.headend), nullptr);
    EXPECT_NE(lab.node(policy.endpoint), nullptr);
    EXPECT_TRUE(pool.contains(IpAddress::parse(policy.bsid).value())) << policy.bsid;
    EXPECT_TRUE(sids.insert(policy.bsid).second) << policy.bsid;
    for (const std::string& segment : policy.segments) {
      EXPECT_TRUE(std::ranges::any_of(lab.routers, [&segment](const Router& router) {
        return router.end_sid == segment;
      })) << segment;
    }
  }
}

TEST(TestbedId, NamesNamespacesByMachineAndTestbed) {
  const Id plain = Id::make(Kind::kFull).value();
  EXPECT_EQ(plain.netns("master"), "sx-master");
  EXPECT_EQ(plain.netns(Id::pod("worker1", 2)), "sx-pod-worker1-2");
  const Id named = Id::make(Kind::kFull, "lab2").value();
  EXPECT_EQ(named.netns("r1"), "sx-lab2-r1");
  EXPECT_EQ(named.directory(), "/run/sextant-testbed/lab2");
  EXPECT_EQ(plain.socket("master"), "/run/sextant-testbed/default/master.sock");
}

TEST(TestbedId, RefusesNamesThatCouldMeetAnotherTestbeds) {
  for (const char* name : {"pod", "default", "Lab", "a-b", "../x", "a/b", "12345678901234567"}) {
    EXPECT_FALSE(Id::make(Kind::kBasic, name)) << name;
  }
}

}  // namespace
}  // namespace sextant::testbed
