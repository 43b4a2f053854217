#include "testbed/bgp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::testbed {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(BgpFiles, NoNodeIsToldOfAnother) {
  const Topology& lab = topology(Kind::kFull);
  const auto files = bgp_files(lab);
  for (const ClusterNode& node : lab.nodes) {
    const std::string& manifest = files.at(node.name + "/node.yaml");
    EXPECT_THAT(manifest, HasSubstr(node.locator));
    EXPECT_THAT(manifest, HasSubstr(node.dt6));
    EXPECT_THAT(manifest, Not(HasSubstr("policies")));
    for (const ClusterNode& other : lab.nodes) {
      if (other.name == node.name) continue;
      EXPECT_THAT(manifest, Not(HasSubstr(other.name)));
      EXPECT_THAT(manifest, Not(HasSubstr(other.locator)));
    }
  }
}

TEST(BgpFiles, EverybodyHasASessionWithEverybody) {
  const Topology& lab = topology(Kind::kFull);
  const auto files = bgp_files(lab);
  for (const ClusterNode& node : lab.nodes) {
    const std::string& settings = files.at(node.name + ".yaml");
    EXPECT_THAT(settings, HasSubstr("asn: 64512"));
    EXPECT_THAT(settings, HasSubstr("\"fd00:0:34::2\""));
    EXPECT_THAT(settings, Not(HasSubstr("\"" + node.addresses.front() + "\"")));
    for (const ClusterNode& other : lab.nodes) {
      if (other.name != node.name) {
        EXPECT_THAT(settings, HasSubstr("\"" + other.addresses.front() + "\""));
      }
    }
    for (const char* injector : {"injector.yaml", "gobgpd.toml"}) {
      EXPECT_THAT(files.at(injector), HasSubstr("\"" + node.addresses.front() + "\"")) << injector;
      EXPECT_THAT(files.at(injector), HasSubstr("192.168.9.254")) << injector;
    }
  }
}

TEST(Injector, HasANameForEachProgram) {
  for (const Injector each : {Injector::kSextantd, Injector::kGobgpd, Injector::kNone}) {
    EXPECT_EQ(parse_injector(to_string(each)), each);
  }
  EXPECT_EQ(parse_injector("bird"), std::nullopt);
  EXPECT_EQ(parse_injector(""), std::nullopt);
}

}  // namespace
}  // namespace sextant::testbed
