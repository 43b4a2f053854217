// Bad manifests, written while traffic flows: the status names file, line and object, and what
// works goes on.
#include <gmock/gmock.h>

#include <filesystem>

#include "e2e/shared_lab.h"
#include "testbed/files.h"

namespace sextant::e2e {
namespace {

struct BadManifest {
  const char* what;
  std::string content;
  std::vector<std::string> named;  // what the agent's status must say
};

std::string policy(const std::string& name, const std::string& segments,
                   const std::string& more = {}) {
  return "apiVersion: sextant.dev/v1alpha1\n"  // 1
         "kind: SRv6Policy\n"                  // 2
         "metadata:\n"                         // 3
         "  name: " +
         name +
         "\n"                                  // 4
         "spec:\n"                             // 5
         "  headend: {nodeNames: [master]}\n"  // 6
         "  endpoint: {nodeName: worker2}\n"   // 7
         "  color: 77\n"                       // 8
         "  candidatePaths:\n"                 // 9
         "  - preference: 100\n"               // 10
         "    segmentLists:\n"                 // 11
         "    - segments: [" +
         segments + "]\n" +  // 12
         more;               // 13
}

std::vector<BadManifest> bad_manifests() {
  return {
      {"malformed YAML", "apiVersion: v1\nkind: Node\nmetadata: {name: broken\n", {"bad.yaml:"}},
      {"a segment that is no address",
       policy("typo", "\"fcff:6:::1\""),
       {"bad.yaml:12", "SRv6Policy/typo", "fcff:6:::1"}},
      {"an IPv4 segment",
       policy("four", "\"10.255.255.6\""),
       {"bad.yaml:12", "SRv6Policy/four", "10.255.255.6"}},
      {"a wrong type",
       policy("type", "\"fcff:6::1\"", "  bindingSID: [1, 2]\n"),
       {"bad.yaml:13", "SRv6Policy/type", "bindingSID"}},
      {"an unknown field",
       policy("field", "\"fcff:6::1\"", "  colour: 5\n"),
       {"bad.yaml:13", "SRv6Policy/field", "colour"}},
      {"a segment list that ends at another node",
       policy("elsewhere", "\"fcdd::11aa:0:0:0:1\""),
       {"SRv6Policy/elsewhere", "worker1"}},
      {"an object twice",
       "apiVersion: v1\nkind: Node\nmetadata: {name: twin}\n---\n"
       "apiVersion: v1\nkind: Node\nmetadata: {name: twin}\n",
       {"bad.yaml:", "Node/twin"}},
      {"a pod prefix that overlaps another node's",
       "apiVersion: v1\nkind: Node\nmetadata:\n  name: zzz\n"
       "spec: {podCIDRs: [172.16.0.0/16]}\n",
       {"Node/zzz", "172.16.0.0/16"}},
      {"a ConfigMap with a SID outside of the node's locator",
       "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: srv6-config-stray\n"
       "  namespace: calico-vpp-dataplane\ndata:\n  srv6: |\n    localsids:\n"
       "      DT4: \"10.0.0.1\"\n    node: stray\n",
       {"bad.yaml:", "srv6-config-stray", "10.0.0.1"}},
  };
}

TEST_F(SharedLab, BadManifestsAreNamedAndDisturbNothing) {
  auto streams = Streams::start(lab(), 2000);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_NO_FATAL_FAILURE(settle_on(kNorth));
  auto kernel = KernelMonitor::start(lab().netns("master"));
  ASSERT_TRUE(kernel) << kernel.error().message();
  const auto file = lab().manifest("bad.yaml");
  for (const BadManifest& bad : bad_manifests()) {
    SCOPED_TRACE(bad.what);
    const auto written = testbed::write_file(file, bad.content);
    ASSERT_TRUE(written) << written.error().message();
    for (const std::string& text : bad.named) {
      EXPECT_THAT(lab().await_status("master", text), testing::HasSubstr(text));
    }
    EXPECT_TRUE(streams->go_on(50));
    std::filesystem::remove(file);
    EXPECT_THAT(lab().await_status("master", bad.named.front(), false),
                testing::Not(testing::HasSubstr(bad.named.front())));
  }
  EXPECT_THAT(kernel->changes(), testing::IsEmpty());

  // The policy's own file turns bad: the last good form stays, and the next good one is taken.
  const auto broken = testbed::write_file(lab().id().config_map("master"), "kind: [\n");
  ASSERT_TRUE(broken) << broken.error().message();
  EXPECT_THAT(lab().await_status("master", "srv6-config-master.yaml:"),
              testing::HasSubstr("srv6-config-master.yaml:"));
  EXPECT_TRUE(streams->go_on(500));
  EXPECT_THAT(kernel->changes(), testing::IsEmpty());
  ASSERT_NO_FATAL_FAILURE(settle_on(kSouth));
  streams->expect_lossless();
}

}  // namespace
}  // namespace sextant::e2e
