// Damaged text, at random but repeatably: whatever comes out, reading ends in objects or in
// messages with a place.
#include <gtest/gtest.h>

#include <random>

#include "sources/manifest_set.h"
#include "sources/reading_test.h"

namespace sextant::sources {
namespace {

constexpr std::string_view kGood = R"(apiVersion: v1
kind: Node
metadata: {name: w, annotations: {sextant.dev/locator: "fcdd:0:0:1::/64"}}
spec: {podCIDRs: [10.1.0.0/24]}
status:
  addresses: [{type: InternalIP, address: "fd11::1"}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: srv6-config-w}
data:
  srv6: |
    localsids: {DT4: "fcdd:0:0:1::44"}
    policies:
      - bsid: "cafe::185"
        node: "fd10::1000"
        segment_list: ["fcff:3::1"]
        traffic: IPv6
---
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: gold}
spec:
  headend: {nodeNames: [w], nodeSelector: {matchLabels: {a: b}}}
  endpoint: {address: "fd10::1000"}
  color: 94
  candidatePaths:
  - {name: &anchor north, preference: 200, segmentLists: [{weight: 3, segments: [r6, "fcff:8::1"]}]}
  - {name: south, segmentLists: [{segments: [*anchor]}]}
)";

TEST(Damage, never_gives_an_object_and_an_error_of_it_nor_an_error_without_a_place) {
  std::mt19937 random(20260101);
  constexpr std::string_view kBytes = "{}[]:,-|>&*!\"'#%@`\n\t ax09~\xff\x01/.";
  ManifestSet set;
  set.set_file("a.yaml", kGood);
  (void)set.take_change();
  const auto good = set.intent();
  ASSERT_EQ(good.policies.size(), 2U);
  for (int i = 0; i < 500; ++i) {
    std::string text(kGood);
    for (auto edits = random() % 4 + 1; edits > 0; --edits) {
      const auto at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
        case 2:
          text.erase(at, random() % 20 + 1);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 80));
          break;
      }
    }
    for (const auto& object : read(text).objects) {
      bool failed = false;
      for (const auto& finding : object.findings) {
        failed = failed || finding.severity == Severity::kError;
        EXPECT_TRUE(finding.problem.location.starts_with("a.yaml:")) << finding.text() << text;
        EXPECT_FALSE(finding.problem.reason.empty());
      }
      EXPECT_NE(object.usable, failed) << text;
    }
    set.set_file("a.yaml", text);
    (void)set.take_change();
    set.set_file("a.yaml", kGood);
    (void)set.take_change();
    ASSERT_EQ(set.intent(), good) << text;
    ASSERT_TRUE(set.findings().empty()) << text;
  }
}

}  // namespace
}  // namespace sextant::sources
