#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StrEq;

// The paper's public testbed, with a second and a third policy.
constexpr std::string_view kPaper = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: srv6-config-worker1
  namespace: calico-vpp-dataplane
data:
  srv6: |
    localsids:
      DT4: "fcdd::11aa:c11:b42f:f17e:a682"
      DT6: "fcdd::11aa:c11:b42f:f17e:a683"
    node: worker1
    policies:
      - bsid: "cafe::185"
        node: "fd10::1000"
        segment_list: ["fcff:3::1", "fcdd::aa:34b8:247c:36da:db45"]
        traffic: IPv6
      - bsid: "cafe::186"
        node: "fd10::1000"
        segment_list: ["fcff:3::1", "fcdd::aa:34b8:247c:36da:db44"]
        traffic: IPv4
      - node: "fd10::1000"
        segment_list: ["fcff:2::1"]
        traffic: IPv6
)";

std::string edited(std::string_view part, std::string_view by) {
  std::string text(kPaper);
  const auto at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(ConfigMapReader, reads_the_papers_format) {
  const auto reading = read(kPaper);
  EXPECT_THAT(messages(reading), IsEmpty());
  const auto& object = reading.objects.at(0);
  EXPECT_EQ(object.node->node, "worker1");
  EXPECT_EQ(object.node->sids.dt4, sid("fcdd::11aa:c11:b42f:f17e:a682"));
  EXPECT_EQ(object.node->sids.dt6, sid("fcdd::11aa:c11:b42f:f17e:a683"));
  ASSERT_EQ(object.policies.size(), 3U);

  overlay::Policy expected;
  expected.key = {"ConfigMap", "srv6-config-worker1[0]"};
  expected.location = "a.yaml:13";
  expected.headend.names = {"worker1"};
  expected.endpoint = address("fd10::1000");
  expected.color = {6};
  expected.binding_sid = sid("cafe::185");
  expected.ipv4 = false;
  overlay::CandidatePath path;
  path.name = "srv6-config-worker1[0]";
  path.key = object.policies[0].paths.at(0).key;
  path.preference = 100;
  path.lists = {{{sid("fcff:3::1"), sid("fcdd::aa:34b8:247c:36da:db45")}, 1}};
  expected.paths = {path};
  EXPECT_EQ(object.policies[0], expected);

  EXPECT_EQ(object.policies[1].color, srv6::Color{4});
  EXPECT_TRUE(object.policies[1].ipv4 && !object.policies[1].ipv6);
  EXPECT_FALSE(object.policies[2].binding_sid);
  EXPECT_GT(object.policies[0].paths[0].key.discriminator,
            object.policies[2].paths.at(0).key.discriminator);
}

TEST(ConfigMapReader, policies_and_the_nodes_name_may_be_missing) {
  for (const std::string_view text :
       {"{apiVersion: v1, kind: ConfigMap, metadata: {name: srv6-config-n}, data: {srv6: ''}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: srv6-config-n}, data: {srv6: "
        "'policies: []'}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: srv6-config-n}, data: {srv6: "
        "'policies:'}}"}) {
    const auto reading = read(text);
    EXPECT_THAT(messages(reading), IsEmpty()) << text;
    EXPECT_EQ(reading.objects.at(0).node->node, "n");
    EXPECT_TRUE(reading.objects[0].policies.empty());
  }
}

TEST(ConfigMapReader, names_the_line_inside_the_block) {
  const struct {
    std::string_view part, by, message;
  } rows[] = {
      {"\"fcff:3::1\", \"fcdd::aa:34b8:247c:36da:db45\"", "\"fcff:3::1\", \"fcdd::zz\"",
       "E a.yaml:15: ConfigMap/srv6-config-worker1: data.srv6: policies[0].segment_list[1]: "
       "'fcdd::zz' is not an IPv6 address"},
      {"traffic: IPv4", "traffic: ipv4",
       "E a.yaml:20: ConfigMap/srv6-config-worker1: data.srv6: policies[1].traffic: 'ipv4' is not "
       "IPv4 or IPv6"},
      {"DT4: \"fcdd::11aa:c11:b42f:f17e:a682\"", "DT4: 172.16.0.1",
       "E a.yaml:9: ConfigMap/srv6-config-worker1: data.srv6: localsids.DT4: '172.16.0.1' is an "
       "IPv4 address where IPv6 is needed"},
      {"localsids:", "localsid:",
       "W a.yaml:9: ConfigMap/srv6-config-worker1: data.srv6: localsid: unknown field, ignored; "
       "known here: localsids, node, policies"},
      {"node: worker1", "node: worker1: x",
       "E a.yaml:11: ConfigMap/srv6-config-worker1: data.srv6: mapping values are not allowed in "
       "this context"},
      {"  srv6: |", "  other: |",
       "E a.yaml:7: ConfigMap/srv6-config-worker1: data: the field 'srv6' is missing"},
      {"    policies:\n", "    policies:\n      - 5\n",
       "E a.yaml:13: ConfigMap/srv6-config-worker1: data.srv6: policies[0]: a number (5) where a "
       "map is needed"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(messages(read(edited(row.part, row.by))),
                testing::Contains(StrEq(std::string(row.message))));
  }
}

TEST(ConfigMapReader, in_a_quoted_string_the_line_is_the_strings) {
  const auto reading = read(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: srv6-config-n}\n"
      "data:\n  srv6: \"a: 1\\nlocalsids: {DT4: x}\"\n");
  EXPECT_THAT(messages(reading),
              testing::Contains(StrEq("E a.yaml:5: ConfigMap/srv6-config-n: data.srv6: "
                                      "localsids.DT4: 'x' is not an IPv6 address")));
}

}  // namespace
}  // namespace sextant::sources
