#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StrEq;

constexpr std::string_view kFull = R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata:
  name: gold
spec:
  headend:
    nodeNames: [master, worker1]
    nodeSelector:
      matchLabels: {site: a}
  endpoint:
    nodeName: worker2
  color: 94
  bindingSID: cafe::25
  ipFamilies: [IPv6]
  fallback: Drop
  candidatePaths:
  - name: north
    preference: 200
    segmentLists:
    - weight: 3
      segments: [fcff:6::1, r8]
    - segments:
      - "fcff:7::"
  - discriminator: 7
    segmentLists:
    - segments: [fcff:8::1]
status: {anything: true}
)";

TEST(PolicyReader, reads_every_field) {
  const auto reading = read(kFull);
  EXPECT_THAT(messages(reading), IsEmpty());
  ASSERT_EQ(reading.objects.size(), 1U);
  const auto& object = reading.objects[0];
  EXPECT_TRUE(object.usable);
  EXPECT_EQ(object.location, "a.yaml:1");
  ASSERT_EQ(object.policies.size(), 1U);

  overlay::Policy expected;
  expected.key = {"SRv6Policy", "gold"};
  expected.location = "a.yaml:1";
  expected.headend = {{"master", "worker1"}, {{"site", "a"}}};
  expected.endpoint = std::string("worker2");
  expected.color = {94};
  expected.binding_sid = sid("cafe::25");
  expected.ipv4 = false;
  expected.fallback = overlay::Fallback::kDrop;
  overlay::CandidatePath north;
  north.name = "north";
  north.preference = 200;
  north.key = object.policies[0].paths.at(0).key;
  north.lists = {{{sid("fcff:6::1"), std::string("r8")}, 3}, {{sid("fcff:7::")}, 1}};
  overlay::CandidatePath second;
  second.name = "gold[1]";
  second.key.discriminator = 7;
  second.lists = {{{sid("fcff:8::1")}, 1}};
  expected.paths = {north, second};
  EXPECT_EQ(object.policies[0], expected);
  EXPECT_EQ(north.key.origin, srv6::kOriginConfiguration);
  EXPECT_EQ(north.key.originator, srv6::Originator{});
}

TEST(PolicyReader, defaults_serve_every_headend_and_both_families) {
  const auto reading = read(R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: p}
spec:
  endpoint: {address: "fd12::1000"}
  color: 1
  candidatePaths: [{segmentLists: [{segments: [r4]}]}]
)");
  EXPECT_THAT(messages(reading), IsEmpty());
  const auto& policy = reading.objects.at(0).policies.at(0);
  EXPECT_EQ(policy.headend, overlay::HeadendSelector{});
  EXPECT_EQ(std::get<IpAddress>(policy.endpoint), address("fd12::1000"));
  EXPECT_TRUE(policy.ipv4 && policy.ipv6);
  EXPECT_EQ(policy.fallback, overlay::Fallback::kPlain);
  EXPECT_FALSE(policy.binding_sid);
  EXPECT_EQ(policy.paths[0].preference, 100U);
  EXPECT_EQ(policy.paths[0].lists[0].weight, 1U);
}

TEST(PolicyReader, of_equal_paths_the_one_listed_first_has_the_higher_discriminator) {
  const std::string head = R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: )";
  const std::string tail = R"(}
spec:
  endpoint: {nodeName: w}
  color: 1
  candidatePaths: [{segmentLists: [{segments: [r4]}]}, {segmentLists: [{segments: [r5]}]}]
)";
  const auto p = read(head + "p" + tail).objects.at(0).policies.at(0).paths;
  EXPECT_GT(p.at(0).key.discriminator, p.at(1).key.discriminator);
  EXPECT_EQ(p, read(head + "p" + tail).objects.at(0).policies.at(0).paths);
  const auto q = read(head + "q" + tail).objects.at(0).policies.at(0).paths;
  EXPECT_NE(p[0].key, q.at(0).key);
}

/// The full policy with one line replaced.
std::string edited(std::string_view line, std::string_view by) {
  std::string text(kFull);
  const auto at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), by);
}

TEST(PolicyReader, names_line_and_field_of_each_mistake) {
  const struct {
    std::string_view line, by, message;
  } rows[] = {
      {"[fcff:6::1, r8]", "[r8, \"fcff:6:::1\"]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments[1]: "
       "'fcff:6:::1' is not an IPv6 address"},
      {"[fcff:6::1, r8]", "[10.0.0.1]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments[0]: "
       "'10.0.0.1' is neither a SID (an IPv6 address) nor the name of a node or router"},
      {"[fcff:6::1, r8]", "[R8]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments[0]: 'R8' is "
       "neither a SID (an IPv6 address) nor the name of a node or router"},
      {"[fcff:6::1, r8]", "[ff02::1]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments[0]: "
       "'ff02::1': a multicast address cannot be a SID"},
      {"[fcff:6::1, r8]", "[6]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments[0]: a number "
       "(6) where a string is needed; put it in quotes"},
      {"- \"fcff:7::\"", "- fcff:7::",
       "E a.yaml:23: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[1].segments[0]: a map "
       "where a string is needed; an address that ends in a colon needs quotes"},
      {"[fcff:6::1, r8]", "[]",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments: is empty; "
       "needs at least 1 entry"},
      {"[fcff:6::1, r8]", "fcff:6::1",
       "E a.yaml:21: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].segments: a string "
       "(fcff:6::1) where a list is needed"},
      {"weight: 3", "weight: 0",
       "E a.yaml:20: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].weight: 0 is not a "
       "whole number from 1 to 4294967295"},
      {"preference: 200", "preference: high",
       "E a.yaml:18: SRv6Policy/gold: spec.candidatePaths[0].preference: a string (high) where a "
       "number is needed"},
      {"preference: 200", "preference: 1.5",
       "E a.yaml:18: SRv6Policy/gold: spec.candidatePaths[0].preference: 1.5 is not a whole number "
       "from 0 to 4294967295"},
      {"color: 94", "color: 0",
       "E a.yaml:12: SRv6Policy/gold: spec.color: 0 is not a whole number from 1 to 4294967295"},
      {"color: 94", "color: 4294967296",
       "E a.yaml:12: SRv6Policy/gold: spec.color: 4294967296 is not a whole number from 1 to "
       "4294967295"},
      {"color: 94", "color: '94'",
       "E a.yaml:12: SRv6Policy/gold: spec.color: a string (94) where a number is needed"},
      {"  color: 94\n", "", "E a.yaml:6: SRv6Policy/gold: spec: the field 'color' is missing"},
      {"color: 94", "color: 94\n  color: 95",
       "E a.yaml:13: SRv6Policy/gold: spec.color: is given twice, first on line 12"},
      {"bindingSID: cafe::25", "bindingSID: 10.1.2.3",
       "E a.yaml:13: SRv6Policy/gold: spec.bindingSID: '10.1.2.3' is an IPv4 address where IPv6 is "
       "needed"},
      {"ipFamilies: [IPv6]", "ipFamilies: [ipv6]",
       "E a.yaml:14: SRv6Policy/gold: spec.ipFamilies[0]: 'ipv6' is not IPv4 or IPv6"},
      {"ipFamilies: [IPv6]", "ipFamilies: [IPv6, IPv6]",
       "E a.yaml:14: SRv6Policy/gold: spec.ipFamilies[1]: 'IPv6' is given twice"},
      {"fallback: Drop", "fallback: drop",
       "E a.yaml:15: SRv6Policy/gold: spec.fallback: 'drop' is not Plain or Drop"},
      {"nodeName: worker2", "nodeName: worker2\n    address: fd12::1000",
       "E a.yaml:11: SRv6Policy/gold: spec.endpoint: needs either nodeName or address"},
      {"nodeName: worker2", "address: fe80::1",
       "E a.yaml:11: SRv6Policy/gold: spec.endpoint.address: 'fe80::1' is not an address that a "
       "node can be reached by"},
      {"nodeNames: [master, worker1]", "nodeNames: []",
       "E a.yaml:7: SRv6Policy/gold: spec.headend.nodeNames: is empty; needs at least 1 entry"},
      {"- discriminator: 7", "- name: north",
       "E a.yaml:24: SRv6Policy/gold: spec.candidatePaths[1]: has the name of another candidate "
       "path, 'north'"},
      {"sextant.dev/v1alpha1", "sextant.dev/v1beta1",
       "E a.yaml:1: SRv6Policy/gold: apiVersion: unknown version 'v1beta1'; known: v1alpha1"},
  };
  for (const auto& row : rows) {
    const auto reading = read(edited(row.line, row.by));
    EXPECT_THAT(messages(reading), ElementsAre(StrEq(std::string(row.message)))) << row.by;
    ASSERT_EQ(reading.objects.size(), 1U) << row.by;
    EXPECT_FALSE(reading.objects[0].usable) << row.by;
    EXPECT_TRUE(reading.objects[0].policies.empty()) << row.by;
  }
}

TEST(PolicyReader, reports_all_mistakes_of_an_object_at_once) {
  auto text = edited("color: 94", "color: red");
  text.replace(text.find("weight: 3"), 9, "weight: x");
  EXPECT_EQ(messages(read(text)).size(), 2U);
}

TEST(PolicyReader, warns_of_unknown_fields_and_uses_the_object) {
  const struct {
    std::string_view line, by, message;
  } rows[] = {
      {"fallback: Drop", "fallbak: Drop",
       "W a.yaml:15: SRv6Policy/gold: spec.fallbak: unknown field, ignored; known here: headend, "
       "endpoint, color, bindingSID, ipFamilies, fallback, candidatePaths"},
      {"weight: 3", "wieght: 3",
       "W a.yaml:20: SRv6Policy/gold: spec.candidatePaths[0].segmentLists[0].wieght: unknown "
       "field, ignored; known here: weight, segments"},
      {"status: {anything: true}", "stauts: {}",
       "W a.yaml:27: SRv6Policy/gold: stauts: unknown field, ignored; known here: apiVersion, "
       "kind, metadata, spec, status"},
  };
  for (const auto& row : rows) {
    const auto reading = read(edited(row.line, row.by));
    EXPECT_THAT(messages(reading), ElementsAre(StrEq(std::string(row.message))));
    EXPECT_TRUE(reading.objects.at(0).usable);
  }
}

}  // namespace
}  // namespace sextant::sources
