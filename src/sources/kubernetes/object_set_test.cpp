// Objects of the API in, Intent out.
#include "sources/kubernetes/object_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Strings = std::vector<std::string>;

json::object parse(const std::string& text) { return json::parse(text).get_object(); }

/// With what a Node of a real cluster carries besides.
json::object node(const std::string& name, const std::string& heartbeat = "2026-11-23T07:00:00Z") {
  auto object = parse(R"({"metadata": {"name": "", "uid": "u-1", "resourceVersion": "7",
      "labels": {"kubernetes.io/os": "linux"},
      "annotations": {"sextant.dev/locator": "fcdd:0:0:11aa::/64",
                      "volumes.kubernetes.io/controller-managed-attach-detach": "true"},
      "managedFields": [{"manager": "kubelet"}]},
    "spec": {"podCIDR": "172.16.0.64/26", "podCIDRs": ["172.16.0.64/26", "fdfb:af47::40/122"],
             "taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]},
    "status": {"addresses": [{"type": "InternalIP", "address": "fd11::1000"},
                             {"type": "Hostname", "address": "worker1"}],
               "capacity": {"cpu": "2"}, "conditions": [{"type": "Ready", "status": "True"}],
               "images": [{"names": ["busybox"], "sizeBytes": 1}]}})");
  object["metadata"].get_object()["name"] = name;
  object["status"].get_object()["conditions"].get_array()[0].get_object()["lastHeartbeatTime"] =
      heartbeat;
  return object;
}

json::object policy(const std::string& name, std::int64_t color, std::int64_t generation = 1,
                    const std::string& segment = "fcff:6::1", const std::string& uid = "p-1") {
  auto object = parse(R"({"spec": {"endpoint": {"nodeName": "worker1"},
      "candidatePaths": [{"preference": 100, "segmentLists": [{"weight": 1, "segments": []}]}]}})");
  object["metadata"] = {{"name", name}, {"uid", uid}, {"generation", generation}};
  auto& spec = object["spec"].get_object();
  spec["color"] = color;
  spec["candidatePaths"]
      .at(0)
      .at("segmentLists")
      .at(0)
      .at("segments")
      .as_array()
      .emplace_back(json::string(segment));
  return object;
}

json::object config_map(const std::string& name, const std::string& key, const std::string& text) {
  return {
      {"metadata", {{"name", name}, {"namespace", "calico-vpp-dataplane"}, {"uid", "c-" + name}}},
      {"data", {{key, text}, {"other", "x"}}}};
}

class ObjectSetTest : public testing::Test {
 protected:
  /// What a watch event of the object brings.
  overlay::IntentChange take(Kind kind, const json::object& object) {
    set_.put(kind, std::string(object.at("metadata").at("name").as_string()),
             set_.read(kind, object));
    return set_.take_change();
  }
  overlay::IntentChange remove(Kind kind, const std::string& name) {
    set_.put(kind, name, nullptr);
    return set_.take_change();
  }
  [[nodiscard]] Strings policies() const {
    Strings texts;
    for (const auto& [key, policy] : set_.intent().policies) {
      texts.push_back(key.name + "=" + std::to_string(policy.color.value));
    }
    return texts;
  }
  [[nodiscard]] Strings findings() const {
    Strings texts;
    for (const auto& finding : set_.findings()) texts.push_back(finding.text());
    return texts;
  }

  ObjectSet set_{sources::Ipam::kAuto};
};

TEST_F(ObjectSetTest, ReadsANodeAsTheManifestsDo) {
  const auto change = take(Kind::kNode, node("worker1"));
  ASSERT_EQ(change.nodes.size(), 1U);
  const auto& read = set_.intent().nodes.at("worker1");
  EXPECT_EQ(read.locator.value().to_string(), "fcdd:0:0:11aa::/64");
  EXPECT_EQ(read.pod_prefixes.size(), 2U);
  ASSERT_EQ(read.addresses.size(), 1U);
  EXPECT_EQ(read.addresses[0].to_string(), "fd11::1000");
  EXPECT_EQ(read.labels, (std::map<std::string, std::string>{{"kubernetes.io/os", "linux"}}));
  EXPECT_EQ(read.location, "kubernetes");
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ObjectSetTest, AHeartbeatIsNothingNew) {
  (void)take(Kind::kNode, node("worker1"));
  EXPECT_TRUE(set_.take_news());
  const auto before = set_.read(Kind::kNode, node("worker1"));
  const auto change = take(Kind::kNode, node("worker1", "2026-11-23T07:05:00Z"));
  EXPECT_TRUE(change.empty());
  EXPECT_FALSE(set_.take_news());
  EXPECT_EQ(set_.read(Kind::kNode, node("worker1")), before) << "no second copy is kept";
}

TEST_F(ObjectSetTest, AStatusOfAnSrv6NodeIsNothingNew) {
  auto object = parse(R"({"metadata": {"name": "r6", "uid": "r", "generation": 1},
                          "spec": {"sids": {"end": "fcff:6::1"}}})");
  EXPECT_EQ(take(Kind::kSrv6Node, object).nodes.size(), 1U);
  (void)set_.take_news();
  object["status"] = {{"observedGeneration", 1}};
  object["metadata"].get_object()["resourceVersion"] = "9";
  EXPECT_TRUE(take(Kind::kSrv6Node, object).empty());
  EXPECT_FALSE(set_.take_news());
}

TEST_F(ObjectSetTest, APolicyComesChangesAndGoes) {
  EXPECT_EQ(take(Kind::kSrv6Policy, policy("gold", 94)).policies.size(), 1U);
  EXPECT_THAT(policies(), ElementsAre("gold=94"));
  EXPECT_EQ(take(Kind::kSrv6Policy, policy("gold", 95, 2)).policies.size(), 1U);
  EXPECT_THAT(policies(), ElementsAre("gold=95"));
  const auto change = remove(Kind::kSrv6Policy, "gold");
  ASSERT_EQ(change.policies.size(), 1U);
  EXPECT_FALSE(change.policies.begin()->second);
  EXPECT_THAT(policies(), IsEmpty());
  EXPECT_EQ(set_.meta({"SRv6Policy", "gold"}), nullptr);
}

TEST_F(ObjectSetTest, AnObjectThatTurnsBadKeepsItsLastGoodForm) {
  (void)take(Kind::kSrv6Policy, policy("gold", 94));
  (void)take(Kind::kSrv6Policy, policy("silver", 50, 1, "fcff:7::1", "p-2"));
  EXPECT_TRUE(take(Kind::kSrv6Policy, policy("gold", 94, 2, "fcff:6:::1")).empty());
  EXPECT_THAT(policies(), ElementsAre("gold=94", "silver=50"));
  EXPECT_THAT(findings(),
              ElementsAre("kubernetes: SRv6Policy/gold: "
                          "spec.candidatePaths[0].segmentLists[0].segments[0]: 'fcff:6:::1' is not "
                          "an IPv6 address; its last good form stays"));
  EXPECT_EQ(set_.findings_of({"SRv6Policy", "gold"}).size(), 1U);
  EXPECT_THAT(set_.findings_of({"SRv6Policy", "silver"}), IsEmpty());
  EXPECT_EQ(set_.meta({"SRv6Policy", "gold"})->generation, 2);
  EXPECT_TRUE(set_.take_news());
  (void)take(Kind::kSrv6Policy, policy("gold", 96, 3));
  EXPECT_THAT(policies(), ElementsAre("gold=96", "silver=50"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ObjectSetTest, AnObjectThatWasNeverGoodIsOutAlone) {
  (void)take(Kind::kNode, node("worker1"));
  EXPECT_TRUE(take(Kind::kSrv6Policy, policy("gold", 0)).empty());
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("spec.color: 0 is not a whole number from 1 to "
                                                "4294967295; left out")));
  EXPECT_TRUE(set_.intent().nodes.contains("worker1"));
  EXPECT_FALSE(set_.unreadable("worker1"));
}

TEST_F(ObjectSetTest, AnotherObjectOfTheSameNameHasNoLastGoodForm) {
  (void)take(Kind::kSrv6Policy, policy("gold", 94));
  (void)take(Kind::kSrv6Policy, policy("gold", 0, 1, "fcff:6::1", "p-9"));
  EXPECT_THAT(policies(), IsEmpty());
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("left out")));
}

TEST_F(ObjectSetTest, ANewGenerationIsNewsEvenWhereItMeansTheSame) {
  (void)take(Kind::kSrv6Policy, policy("gold", 94));
  EXPECT_TRUE(set_.take_news());
  EXPECT_TRUE(take(Kind::kSrv6Policy, policy("gold", 94, 2)).empty());
  EXPECT_TRUE(set_.take_news()) << "its status must say that this generation is in force";
  EXPECT_EQ(
      set_.metas("SRv6Policy"),
      (std::map<std::string, ObjectMeta>{{"gold", {.uid = "p-1", .ns = "", .generation = 2}}}));
}

TEST_F(ObjectSetTest, TellsWhetherThisNodeItselfIsInDoubt) {
  auto bad = node("worker1");
  bad["metadata"].get_object()["annotations"].get_object()["sextant.dev/locator"] = "fcdd::/200";
  (void)take(Kind::kNode, bad);
  EXPECT_TRUE(set_.unreadable("worker1"));
  EXPECT_FALSE(set_.unreadable("worker2"));
  (void)take(Kind::kNode, node("worker1"));
  EXPECT_FALSE(set_.unreadable("worker1"));
  (void)take(Kind::kNode, bad);
  EXPECT_FALSE(set_.unreadable("worker1")) << "its last good form is known";
}

TEST_F(ObjectSetTest, ReadsThePapersConfigMapsAndNoOthers) {
  (void)take(Kind::kNode, node("worker1"));
  const auto change = take(Kind::kConfigMap, config_map("srv6-config-worker1", "srv6", R"(localsids:
  DT4: "fcdd:0:0:11aa:c11:b42f:f17e:a682"
node: worker1
policies:
  - bsid: "cafe::185"
    node: "fd10::1000"
    segment_list: ["fcff:3::1", "fcdd::aa:34b8:247c:36da:db45"]
    traffic: IPv6
)"));
  EXPECT_EQ(change.policies.size(), 1U);
  EXPECT_TRUE(set_.intent().nodes.at("worker1").sids.dt4);
  EXPECT_EQ(set_.meta({"ConfigMap", "srv6-config-worker1"})->ns, "calico-vpp-dataplane");
  EXPECT_TRUE(take(Kind::kConfigMap, config_map("kube-root-ca.crt", "ca.crt", "-----")).empty());
  EXPECT_EQ(set_.meta({"ConfigMap", "kube-root-ca.crt"}), nullptr) << "not ours";
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ObjectSetTest, FindingsInAConfigMapNameTheLineOfItsText) {
  (void)take(Kind::kNode, node("worker1"));
  (void)take(Kind::kConfigMap,
             config_map("srv6-config-worker1", "srv6",
                        "node: worker1\npolicies:\n  - node: fd10:::1\n"
                        "    segment_list: [\"fcff:3::1\"]\n    traffic: IPv6\n"));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("kubernetes/calico-vpp-dataplane:3: "
                                                "ConfigMap/srv6-config-worker1: data.srv6: "
                                                "policies[0].node: 'fd10:::1' is not")));
}

TEST_F(ObjectSetTest, ReadsTheBlocksOfCalico) {
  (void)take(Kind::kNode, node("worker1"));
  (void)take(Kind::kNode, node("worker2"));
  (void)take(Kind::kBlockAffinity, parse(R"({"metadata": {"name": "worker1-172-16-0-64-30"},
    "spec": {"cidr": "172.16.0.64/30", "deleted": "false", "node": "worker1",
             "state": "confirmed"}})"));
  (void)take(Kind::kIpamBlock, parse(R"({"metadata": {"name": "172-16-0-64-30"}, "spec": {
    "affinity": "host:worker1", "cidr": "172.16.0.64/30", "allocations": [0, 1, null, null],
    "attributes": [{"handle_id": "a", "secondary": {"node": "worker1", "pod": "x"}},
                   {"handle_id": "b", "secondary": {"node": "worker2", "pod": "y"}}],
    "deleted": false, "strictAffinity": false, "unallocated": [2, 3],
    "sequenceNumberForAllocation": {"0": 12}}})"));
  (void)take(Kind::kIpPool, parse(R"({"metadata": {"name": "sr-policies-pool"},
    "spec": {"cidr": "cafe::/118", "vxlanMode": "Never"}})"));
  const auto& intent = set_.intent();
  EXPECT_EQ(set_.ipam(), sources::Ipam::kCalico);
  EXPECT_EQ(intent.nodes.at("worker1").pod_prefixes.at(0).prefix.to_string(), "172.16.0.64/30");
  EXPECT_EQ(intent.nodes.at("worker2").pod_prefixes.at(0).prefix.to_string(), "172.16.0.65/32");
  EXPECT_EQ(intent.sid_prefixes.size(), 1U);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ObjectSetTest, OddJsonEndsInAFindingOfThatObject) {
  (void)take(Kind::kNode, node("worker1"));
  for (const auto* text :
       {R"({"metadata": {"name": "x", "uid": "1"}, "spec": []})",
        R"({"metadata": {"name": "x", "uid": "1"}, "spec": null})",
        R"({"metadata": {"name": "x"}})",
        R"({"metadata": {"name": "x", "labels": 7}, "spec": {"sids": "none"}})",
        R"({"metadata": {"name": "x", "uid": 5, "generation": "x"}, "spec": {"locator": {}}})"}) {
    EXPECT_TRUE(take(Kind::kSrv6Node, parse(text)).empty()) << text;
    EXPECT_THAT(findings(),
                testing::AllOf(testing::Not(IsEmpty()), testing::Each(HasSubstr("SRv6Node/x: "))))
        << text;
  }
  for (const auto* text : {R"({"metadata": {"name": "b"}})",
                           R"({"metadata": {"name": "b"}, "spec": {"cidr": "10.0.0.0/30",
                               "allocations": {}, "attributes": []}})",
                           R"({"metadata": {"name": "b"}, "spec": "x"})"}) {
    EXPECT_TRUE(take(Kind::kIpamBlock, parse(text)).empty()) << text;
    EXPECT_THAT(set_.findings_of({"IPAMBlock", "b"}), testing::Not(IsEmpty())) << text;
  }
  EXPECT_TRUE(take(Kind::kIpamBlock, parse(R"({"metadata": {"name": "b"}, "spec": {
      "cidr": "10.0.0.0/30", "allocations": [0, 9], "attributes": [{}]}})"))
                  .empty());
  EXPECT_TRUE(set_.intent().nodes.contains("worker1"));
}

}  // namespace
}  // namespace sextant::kubernetes
