#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/manifest_set.h"
#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string claim(const std::string& name, const std::string& node, const std::string& prefix,
                  const std::string& more = "") {
  return "apiVersion: sextant.dev/v1alpha1\nkind: SRv6Locator\nmetadata: {name: " + name +
         "}\nspec: {nodeName: " + node + ", prefix: \"" + prefix + "\"" + more + "}\n---\n";
}
constexpr auto kNode = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n";
constexpr auto kAnnotatedNode =
    "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  annotations: {sextant.dev/locator: "
    "\"fcdd::/48\"}\n---\n";

overlay::Node node_of(const std::string& text) {
  ManifestSet set;
  set.set_file("a.yaml", text);
  (void)set.take_change();
  for (const auto& finding : set.findings()) ADD_FAILURE() << finding.text();
  return set.intent().nodes.at("n1");
}

TEST(Srv6Locator, GivesItsNodeALocator) {
  const auto node = node_of(kNode + claim("fcbb-0000-0001-48", "n1", "fcbb:0:1::/48"));
  ASSERT_TRUE(node.locator);
  EXPECT_EQ(node.locator->to_string(), "fcbb:0:1::/48");
  EXPECT_EQ(node.reach, overlay::LocatorReach::kFabric);
  EXPECT_EQ(node_of(kNode + claim("a", "n1", "fcbb:0:1::/48", ", reach: OnLink")).reach,
            overlay::LocatorReach::kOnLink);
}

TEST(Srv6Locator, YieldsToWhatAPersonWrote) {
  const auto node = node_of(kAnnotatedNode + claim("a", "n1", "fcbb:0:1::/48", ", reach: OnLink"));
  EXPECT_EQ(node.locator->to_string(), "fcdd::/48");
  EXPECT_EQ(node.reach, overlay::LocatorReach::kFabric) << "the claim's reach goes with its prefix";
}

TEST(Srv6Locator, MakesNoNode) {
  ManifestSet set;
  set.set_file("a.yaml", claim("a", "n1", "fcbb:0:1::/48"));
  EXPECT_TRUE(set.take_change().empty());
  EXPECT_THAT(set.findings(), IsEmpty()) << "garbage collection takes a moment";
}

TEST(Srv6Locator, OfSeveralTheFirstByNameCounts) {
  const auto node =
      node_of(kNode + claim("b", "n1", "fcbb:0:2::/48") + claim("a", "n1", "fcbb:0:1::/48"));
  EXPECT_EQ(node.locator->to_string(), "fcbb:0:1::/48");
}

TEST(Srv6Locator, TellsWhatIsWrong) {
  EXPECT_THAT(messages(read(claim("a", "n1", "10.0.0.0/8"))),
              ElementsAre(HasSubstr("cannot be a locator")));
  EXPECT_THAT(messages(read(claim("a", "N_1", "fcbb:0:1::/48"))),
              ElementsAre(HasSubstr("spec.nodeName")));
  EXPECT_THAT(messages(read(claim("a", "n1", "fcbb:0:1::/48", ", reach: Bgp"))),
              ElementsAre(HasSubstr("spec.reach")));
}

}  // namespace
}  // namespace sextant::sources
