#include "sources/manifest_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string policy(std::string_view name, std::string_view color, std::string_view segment = "r1") {
  return "---\napiVersion: sextant.dev/v1alpha1\nkind: SRv6Policy\nmetadata: {name: " +
         std::string(name) + "}\nspec: {endpoint: {nodeName: w}, color: " + std::string(color) +
         ", candidatePaths: [{segmentLists: [{segments: [" + std::string(segment) + "]}]}]}\n";
}

std::string router(std::string_view name, std::string_view end) {
  return "---\napiVersion: sextant.dev/v1alpha1\nkind: SRv6Node\nmetadata: {name: " +
         std::string(name) + "}\nspec: {sids: {end: '" + std::string(end) + "'}}\n";
}

/// The policies in force, as "gold 94 policies.yaml:2".
std::vector<std::string> policies(const ManifestSet& set) {
  std::vector<std::string> texts;
  for (const auto& [key, policy] : set.intent().policies) {
    texts.push_back(key.name + " " + std::to_string(policy.color.value) + " " + policy.location);
  }
  return texts;
}

std::vector<std::string> texts(const std::vector<Finding>& findings) {
  std::vector<std::string> all;
  for (const auto& finding : findings) all.push_back(finding.text());
  return all;
}

/// What the last calls changed, as "+gold" and "-gold".
std::vector<std::string> changed(ManifestSet& set) {
  const auto before = set.intent();
  const auto change = set.take_change();
  std::vector<std::string> names;
  for (const auto& [name, node] : change.nodes) names.push_back((node ? "+" : "-") + name);
  for (const auto& [key, policy] : change.policies) {
    names.push_back((policy ? "+" : "-") + key.name);
  }
  // A change is the difference, no more and no less.
  const auto expected = overlay::diff(before, set.intent());
  EXPECT_EQ(change.nodes, expected.nodes);
  EXPECT_EQ(change.policies, expected.policies);
  return names;
}

TEST(ManifestSet, gives_only_what_an_edit_changes) {
  ManifestSet set;
  set.set_file("a.yaml", policy("gold", "1") + policy("silver", "2") + router("r1", "fcff:1::1"));
  EXPECT_THAT(changed(set), ElementsAre("+r1", "+gold", "+silver"));
  set.set_file("a.yaml", policy("gold", "1") + policy("silver", "2") + router("r1", "fcff:1::1"));
  EXPECT_THAT(changed(set), IsEmpty());
  set.set_file("a.yaml", policy("gold", "1") + policy("silver", "3") + router("r1", "fcff:1::1"));
  EXPECT_THAT(changed(set), ElementsAre("+silver"));
  set.set_file("a.yaml", policy("gold", "1"));
  EXPECT_THAT(changed(set), ElementsAre("-r1", "-silver"));
  set.remove_file("a.yaml");
  EXPECT_THAT(changed(set), ElementsAre("-gold"));
  EXPECT_EQ(set.intent(), overlay::Intent{});
}

TEST(ManifestSet, a_file_that_is_not_yaml_keeps_its_last_good_state) {
  ManifestSet set;
  set.set_file("a.yaml", policy("gold", "1"));
  set.set_file("b.yaml", policy("silver", "2"));
  EXPECT_THAT(changed(set), ElementsAre("+gold", "+silver"));
  set.set_file("a.yaml", policy("gold", "9") + "x: [1\n");
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(
      texts(set.findings()),
      ElementsAre(testing::AllOf(HasSubstr("a.yaml:7:1: File/a.yaml: not YAML: did not find"),
                                 HasSubstr("the last good state of the file stays"))));
  set.set_file("a.yaml", policy("gold", "9"));
  EXPECT_THAT(changed(set), ElementsAre("+gold"));
  EXPECT_THAT(set.findings(), IsEmpty());
}

TEST(ManifestSet, a_file_that_was_never_good_brings_nothing) {
  ManifestSet set;
  set.set_file("a.yaml", "x: [1\n");
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(set.findings().at(0).problem.reason, testing::Not(HasSubstr("stays")));
}

TEST(ManifestSet, an_object_that_turned_bad_keeps_its_last_good_form_and_others_are_taken_over) {
  ManifestSet set;
  set.set_file("a.yaml", policy("gold", "1") + policy("silver", "2"));
  EXPECT_THAT(changed(set), ElementsAre("+gold", "+silver"));
  set.set_file("a.yaml", policy("gold", "red") + policy("silver", "3"));
  EXPECT_THAT(changed(set), ElementsAre("+silver"));
  EXPECT_THAT(policies(set), ElementsAre("gold 1 a.yaml:2", "silver 3 a.yaml:7"));
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("a.yaml:5: SRv6Policy/gold: spec.color: a string (red) where a number is "
                          "needed; its last good form stays"));
  // Also through further bad edits, and until it is deleted.
  set.set_file("a.yaml", policy("gold", "blue"));
  EXPECT_THAT(changed(set), ElementsAre("-silver"));
  EXPECT_THAT(policies(set), ElementsAre("gold 1 a.yaml:2"));
  set.set_file("a.yaml", "");
  EXPECT_THAT(changed(set), ElementsAre("-gold"));
  EXPECT_THAT(set.findings(), IsEmpty());
}

TEST(ManifestSet, an_unidentifiable_document_deletes_nothing) {
  ManifestSet set;
  set.set_file("a.yaml", policy("gold", "1") + policy("silver", "2"));
  EXPECT_THAT(changed(set), ElementsAre("+gold", "+silver"));
  auto text = policy("gold", "1") + policy("silver", "5");
  text.replace(text.find("kind"), 4, "kin_");
  set.set_file("a.yaml", text);
  EXPECT_THAT(changed(set), ElementsAre("+silver"));
  EXPECT_THAT(policies(set), ElementsAre("gold 1 a.yaml:2", "silver 5 a.yaml:7"));
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("a.yaml:2: File/a.yaml: an object without 'kind'"));
}

TEST(ManifestSet, a_second_definition_takes_nothing_away) {
  ManifestSet set;
  set.set_file("b.yaml", policy("gold", "2"));
  EXPECT_THAT(changed(set), ElementsAre("+gold"));
  set.set_file("c.yaml", policy("gold", "3") + policy("gold", "4"));
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("c.yaml:2: SRv6Policy/gold: is defined twice; the one at b.yaml:2 is in "
                          "force, this one is not",
                          "c.yaml:7: SRv6Policy/gold: is defined twice; the one at b.yaml:2 is in "
                          "force, this one is not"));
  set.set_file("a.yaml", policy("gold", "red"));  // a bad one does not displace what works
  EXPECT_THAT(changed(set), IsEmpty());
  set.set_file("a.yaml", policy("gold", "1"));
  EXPECT_THAT(changed(set), IsEmpty());
  set.set_file("b.yaml", policy("gold", "5"));  // its own file changes it
  EXPECT_THAT(changed(set), ElementsAre("+gold"));
  EXPECT_THAT(policies(set), ElementsAre("gold 5 b.yaml:2"));
  set.remove_file("b.yaml");
  EXPECT_THAT(changed(set), ElementsAre("+gold"));
  EXPECT_THAT(policies(set), ElementsAre("gold 1 a.yaml:2"));
  set.remove_file("a.yaml");
  EXPECT_THAT(changed(set), ElementsAre("+gold"));
  EXPECT_THAT(policies(set), ElementsAre("gold 3 c.yaml:2"));
}

TEST(ManifestSet, whatever_the_order_a_file_keeps_what_it_had_first) {
  const std::pair<std::string, std::string> files[] = {{"a.yaml", policy("gold", "1")},
                                                       {"b.yaml", policy("gold", "2")},
                                                       {"c.yaml", policy("gold", "3")}};
  std::vector<std::size_t> order{0, 1, 2};
  do {
    ManifestSet set;
    for (const auto i : order) set.set_file(files[i].first, files[i].second);
    const auto n = std::to_string(order[0] + 1);
    EXPECT_THAT(policies(set), IsEmpty());  // not taken yet
    EXPECT_THAT(changed(set), ElementsAre("+gold"));
    EXPECT_THAT(policies(set), ElementsAre("gold " + n + " " + files[order[0]].first + ":2"));
    EXPECT_EQ(set.findings().size(), 2U);
  } while (std::ranges::next_permutation(order).found);
}

TEST(ManifestSet, an_unreadable_file_keeps_its_last_good_state_until_it_can_be_read_again) {
  ManifestSet set;
  set.set_file("a.yaml", policy("gold", "1"));
  (void)changed(set);
  set.set_unreadable("a.yaml", "cannot be read: Permission denied (EACCES)");
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("a.yaml: File/a.yaml: cannot be read: Permission denied (EACCES); the "
                          "last good state of the file stays"));
  set.set_file("a.yaml", policy("gold", "1"));
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(set.findings(), IsEmpty());
}

// ---- several objects that speak of one node ----

constexpr std::string_view kNode = R"(---
apiVersion: v1
kind: Node
metadata:
  name: w
  labels: {site: a, rack: "1"}
  annotations: {sextant.dev/locator: "fcdd:0:0:1::/64"}
spec: {podCIDRs: [10.1.0.0/24]}
status: {addresses: [{type: InternalIP, address: "fd11::1"}, {type: InternalIP, address: 10.0.0.1}]}
)";
constexpr std::string_view kSrv6Node = R"(---
apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: w, labels: {rack: "2"}}
spec:
  addresses: [fd99::1, fd11::1]
  locatorReach: OnLink
  sids: {end: "fcdd:0:0:1::e", endDT4: "fcdd:0:0:1::4"}
  podPrefixes: [{prefix: 10.1.0.0/24}, {prefix: 10.2.0.0/24, color: 7}]
)";
constexpr std::string_view kConfigMap = R"(---
apiVersion: v1
kind: ConfigMap
metadata: {name: srv6-config-w}
data: {srv6: 'localsids: {DT4: "fcdd:0:0:1::44", DT6: "fcdd:0:0:1::66"}'}
)";

TEST(ManifestSet, merges_what_objects_in_any_files_say_of_one_node) {
  ManifestSet set;
  set.set_file("cm.yaml", kConfigMap);
  EXPECT_THAT(changed(set), IsEmpty());
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("cm.yaml:2: ConfigMap/srv6-config-w: there is no Node or SRv6Node 'w' "
                          "yet; its SIDs wait for it"));
  set.set_file("srv6.yaml", kSrv6Node);
  EXPECT_THAT(changed(set), ElementsAre("+w"));
  set.set_file("node.yaml", kNode);
  EXPECT_THAT(changed(set), ElementsAre("+w"));
  EXPECT_THAT(set.findings(), IsEmpty());

  overlay::Node merged;
  merged.name = "w";
  merged.location = "node.yaml:2";
  merged.labels = {{"site", "a"}, {"rack", "2"}};
  merged.addresses = {address("fd99::1"), address("fd11::1"), address("10.0.0.1")};
  merged.locator = srv6::Locator::parse("fcdd:0:0:1::/64").value();
  merged.reach = overlay::LocatorReach::kOnLink;
  merged.sids = {sid("fcdd:0:0:1::e"), sid("fcdd:0:0:1::44"), sid("fcdd:0:0:1::66"), {}};
  merged.pod_prefixes = {{prefix("10.1.0.0/24"), {}}, {prefix("10.2.0.0/24"), srv6::Color{7}}};
  EXPECT_EQ(set.intent().nodes.at("w"), merged);

  set.remove_file("cm.yaml");
  EXPECT_THAT(changed(set), ElementsAre("+w"));
  EXPECT_EQ(set.intent().nodes.at("w").sids.dt4, sid("fcdd:0:0:1::4"));
  set.remove_file("srv6.yaml");
  set.remove_file("node.yaml");
  EXPECT_THAT(changed(set), ElementsAre("-w"));
}

TEST(ManifestSet, says_where_objects_contradict_each_other_about_a_node) {
  ManifestSet set;
  std::string other(kSrv6Node);
  other.replace(other.find("  locatorReach"), 0, "  locator: 'fcdd:0:0:2::/64'\n");
  std::string second(kConfigMap);
  second.replace(second.find("srv6-config-w"), 13, "srv6-config-x");
  second.replace(second.find("localsids:"), 10, "node: w\n\n    localsids:");
  second.replace(second.find("::44"), 4, "::45");
  set.set_file("a.yaml", std::string(kNode) + other + std::string(kConfigMap) + second);
  (void)changed(set);
  EXPECT_EQ(set.intent().nodes.at("w").locator->to_string(), "fcdd:0:0:2::/64");
  EXPECT_EQ(set.intent().nodes.at("w").sids.dt4, sid("fcdd:0:0:1::44"));
  EXPECT_THAT(texts(set.findings()),
              ElementsAre("a.yaml:26: ConfigMap/srv6-config-x: DT4 fcdd:0:0:1::45 of node w is "
                          "ignored: another ConfigMap fixes fcdd:0:0:1::44",
                          "a.yaml:2: Node/w: the locator annotation fcdd:0:0:1::/64 is ignored: "
                          "SRv6Node/w has the locator fcdd:0:0:2::/64"));
}

}  // namespace
}  // namespace sextant::sources
