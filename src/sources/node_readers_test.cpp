#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StrEq;

constexpr std::string_view kNode = R"(apiVersion: v1
kind: Node
metadata:
  name: worker1
  labels: {site: a}
  annotations:
    sextant.dev/locator: fcdd:0:0:11aa::/64
    sextant.dev/locator-reach: on-link
    node.alpha.kubernetes.io/ttl: "0"
spec:
  podCIDR: 172.16.1.0/26
  podCIDRs: [172.16.1.0/26, "fdfb:af47:32af:1::/122"]
  unschedulable: false
status:
  addresses:
  - {type: InternalIP, address: "fd11::1000"}
  - {type: InternalIP, address: 192.168.11.254}
  - {type: Hostname, address: worker1}
  capacity: {cpu: "4"}
)";

constexpr std::string_view kSrv6Node = R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata:
  name: worker1
  labels: {rack: "7"}
spec:
  addresses: [fd11::1000, 192.168.11.254]
  locator: fcdd:0:0:11aa::/64
  sidStructure: {blockLength: 32, nodeLength: 32, functionLength: 16, argumentLength: 8}
  locatorReach: OnLink
  sids:
    end: fcdd:0:0:11aa::1
    endDT4: fcdd:0:0:11aa::4
    endDT6: fcdd:0:0:11aa::6
    endDT46: fcdd:0:0:11aa::46
  podPrefixes:
  - prefix: 172.16.1.0/26
  - prefix: fdfb:af47:32af::/122
    color: 94
)";

std::string edited(std::string_view whole, std::string_view part, std::string_view by) {
  std::string text(whole);
  const auto at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(NodeReader, reads_what_the_overlay_needs_of_a_kubernetes_node) {
  const auto reading = read(kNode);
  EXPECT_THAT(messages(reading), IsEmpty());
  NodePart expected;
  expected.node = "worker1";
  expected.labels = {{"site", "a"}};
  expected.addresses = {address("fd11::1000"), address("192.168.11.254")};
  expected.locator = srv6::Locator::parse("fcdd:0:0:11aa::/64").value();
  expected.reach = overlay::LocatorReach::kOnLink;
  expected.pod_prefixes = {{prefix("172.16.1.0/26"), {}}, {prefix("fdfb:af47:32af:1::/122"), {}}};
  EXPECT_EQ(reading.objects.at(0).node, expected);
}

TEST(NodeReader, takes_the_single_pod_cidr_where_there_is_no_list) {
  const auto reading =
      read("{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {podCIDR: 10.1.0.0/24}}");
  EXPECT_THAT(reading.objects.at(0).node->pod_prefixes,
              ElementsAre(overlay::PodPrefix{prefix("10.1.0.0/24"), {}}));
}

TEST(NodeReader, reads_every_field_of_an_srv6_node) {
  const auto reading = read(kSrv6Node);
  EXPECT_THAT(messages(reading), IsEmpty());
  NodePart expected;
  expected.node = "worker1";
  expected.labels = {{"rack", "7"}};
  expected.addresses = {address("fd11::1000"), address("192.168.11.254")};
  expected.locator =
      srv6::Locator::make(prefix("fcdd:0:0:11aa::/64"), srv6::SidStructure{32, 32, 16, 8}).value();
  expected.reach = overlay::LocatorReach::kOnLink;
  expected.sids = {sid("fcdd:0:0:11aa::1"), sid("fcdd:0:0:11aa::4"), sid("fcdd:0:0:11aa::6"),
                   sid("fcdd:0:0:11aa::46")};
  expected.pod_prefixes = {{prefix("172.16.1.0/26"), {}},
                           {prefix("fdfb:af47:32af::/122"), srv6::Color{94}}};
  EXPECT_EQ(reading.objects.at(0).node, expected);
}

TEST(NodeReader, names_line_and_field_of_each_mistake) {
  const struct {
    std::string_view whole, part, by, message;
  } rows[] = {
      {kNode, "fcdd:0:0:11aa::/64", "10.0.0.0/8",
       "E a.yaml:7: Node/worker1: metadata.annotations[sextant.dev/locator]: '10.0.0.0/8' cannot "
       "be a locator: an IPv4 prefix where IPv6 is needed"},
      {kNode, "on-link", "OnLink",
       "E a.yaml:8: Node/worker1: metadata.annotations[sextant.dev/locator-reach]: 'OnLink' is not "
       "fabric or on-link"},
      {kNode, "sextant.dev/locator-reach", "sextant.dev/locatorreach",
       "W a.yaml:8: Node/worker1: metadata.annotations[sextant.dev/locatorreach]: unknown "
       "annotation, ignored; known here: sextant.dev/locator, sextant.dev/locator-reach"},
      {kNode, "[172.16.1.0/26,", "[172.16.1.1/26,",
       "E a.yaml:12: Node/worker1: spec.podCIDRs[0]: '172.16.1.1/26': host bits are set; write "
       "172.16.1.0/26"},
      {kNode, "[172.16.1.0/26,", "[172.16.1.0/33,",
       "E a.yaml:12: Node/worker1: spec.podCIDRs[0]: '172.16.1.0/33': the prefix length is not a "
       "number from 0 to 32"},
      {kNode, "192.168.11.254", "worker1",
       "E a.yaml:17: Node/worker1: status.addresses[1].address: 'worker1' is not an IP address"},
      {kSrv6Node, "locator: fcdd:0:0:11aa::/64", "locator: fcdd:0:0:11aa::1/128",
       "E a.yaml:8: SRv6Node/worker1: spec.locator: 'fcdd:0:0:11aa::1/128' cannot be a locator: "
       "the length is not from 8 to 112; leave room for a function of 16 bits"},
      {kSrv6Node, "blockLength: 32", "blockLength: 48",
       "E a.yaml:8: SRv6Node/worker1: spec.locator: 'fcdd:0:0:11aa::/64' cannot be a locator: "
       "block 48 and node 32 bits do not add up to the prefix length"},
      {kSrv6Node, "blockLength: 32", "blockLength: 129",
       "E a.yaml:9: SRv6Node/worker1: spec.sidStructure.blockLength: 129 is not a whole number "
       "from 0 to 128"},
      {kSrv6Node, "  locator: fcdd:0:0:11aa::/64\n", "",
       "E a.yaml:8: SRv6Node/worker1: spec.sidStructure: has no meaning without spec.locator"},
      {kSrv6Node, "endDT4: fcdd:0:0:11aa::4", "endDT4: 10.0.0.4",
       "E a.yaml:13: SRv6Node/worker1: spec.sids.endDT4: '10.0.0.4' is an IPv4 address where IPv6 "
       "is needed"},
      {kSrv6Node, "color: 94", "color: -1",
       "E a.yaml:19: SRv6Node/worker1: spec.podPrefixes[1].color: -1 is not a whole number from 1 "
       "to 4294967295"},
      {kSrv6Node, "fdfb:af47:32af::/122", "172.16.1.0/26",
       "E a.yaml:18: SRv6Node/worker1: spec.podPrefixes[1].prefix: '172.16.1.0/26' is given twice"},
      {kSrv6Node, "- prefix: 172.16.1.0/26", "- 172.16.1.0/26",
       "E a.yaml:17: SRv6Node/worker1: spec.podPrefixes[0]: a string (172.16.1.0/26) where a map "
       "is needed"},
      {kSrv6Node, "[fd11::1000,", "[\"::\",",
       "E a.yaml:7: SRv6Node/worker1: spec.addresses[0]: '::' is not an address that a node can be "
       "reached by"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(messages(read(edited(row.whole, row.part, row.by))),
                testing::Contains(StrEq(std::string(row.message))));
  }
}

TEST(NodeReader, an_object_of_many_mistakes_names_some_and_counts_the_rest) {
  std::string text =
      "apiVersion: sextant.dev/v1alpha1\nkind: SRv6Node\nmetadata: {name: n}\nspec:\n  "
      "podPrefixes:\n";
  for (int i = 0; i < 1000; ++i) text += "  - prefix: x\n";
  const auto texts = messages(read(text));
  EXPECT_EQ(texts.size(), 21U);
  EXPECT_EQ(texts.back(), "E a.yaml:1: SRv6Node/n: and 980 more like these");
}

TEST(DocumentReader, tells_foreign_objects_from_broken_ones) {
  const struct {
    std::string_view text;
    std::vector<std::string> messages;
    std::size_t ignored;
    bool unidentified;
  } rows[] = {
      {"{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}}", {}, 1, false},
      {"{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt}}", {}, 1, false},
      {"{apiVersion: metrics.k8s.io/v1, kind: Node, metadata: {name: x}}", {}, 1, false},
      {"{apiVersion: v2, kind: SRv6Policy, metadata: {name: x}}",
       {"W a.yaml:1: SRv6Policy/x: apiVersion 'v2' is not sextant.dev/v1alpha1: ignored"},
       1,
       false},
      {"{apiVersion: sextant.dev/v1alpha1, kind: SRv6Polcy, metadata: {name: x}}",
       {"E a.yaml:1: File/a.yaml: group sextant.dev has no kind 'SRv6Polcy'; it has SRv6Node, "
        "SRv6Policy and SRv6Locator"},
       0,
       true},
      {"{apiVersion: v1, metadata: {name: x}}",
       {"E a.yaml:1: File/a.yaml: an object without 'kind'"},
       0,
       true},
      {"{kind: SRv6Policy, metadata: {name: x}}",
       {"E a.yaml:1: File/a.yaml: an object without 'apiVersion'"},
       0,
       true},
      {"{apiVersion: v1, kind: Node, metadata: {}}",
       {"E a.yaml:1: File/a.yaml: Node without a name (metadata.name)"},
       0,
       true},
      {"{apiVersion: v1, kind: Node, metadata: {name: A_b}}",
       {"E a.yaml:1: File/a.yaml: Node: metadata.name: 'A_b' is not a name as Kubernetes has them"},
       0,
       true},
      {"- a", {"E a.yaml:1: File/a.yaml: a list where a Kubernetes object is needed"}, 0, true},
      {"---\n---\n", {}, 0, false},
      {"{apiVersion: sextant.dev/v1alpha1, kind: SRv6Node, metadata: {name: x}, spec: 5}",
       {"E a.yaml:1: SRv6Node/x: spec: a number (5) where a map is needed"},
       0,
       false},
  };
  for (const auto& row : rows) {
    const auto reading = read(row.text);
    EXPECT_EQ(messages(reading), row.messages) << row.text;
    EXPECT_EQ(reading.ignored.size(), row.ignored) << row.text;
    EXPECT_EQ(reading.unidentified, row.unidentified) << row.text;
  }
}

TEST(DocumentReader, reads_lists_of_objects) {
  const auto mixed = read(R"({"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}},
    {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"}},
    {"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Node", "metadata": {"name": "r1"}, "spec": {}}]})");
  EXPECT_THAT(messages(mixed), IsEmpty());
  ASSERT_EQ(mixed.objects.size(), 2U);
  EXPECT_EQ(mixed.objects[1].key.to_string(), "SRv6Node/r1");
  const auto typed = read(
      "{apiVersion: v1, kind: NodeList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}");
  ASSERT_EQ(typed.objects.size(), 2U);
  EXPECT_EQ(typed.objects[1].key.to_string(), "Node/b");
}

}  // namespace
}  // namespace sextant::sources
