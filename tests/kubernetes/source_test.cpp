// Objects at a real API server -> Intent.
#include <gmock/gmock.h>

#include "api_fixture.h"
#include "sources/kubernetes/kubernetes_source.h"

namespace sextant::kubernetes_tests {
namespace {

using kubernetes::kSrv6Nodes;
using kubernetes::kSrv6Policies;
using kubernetes::KubernetesSource;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kCalicoDefinition = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: blockaffinities.crd.projectcalico.org}
spec:
  group: crd.projectcalico.org
  scope: Cluster
  names: {kind: BlockAffinity, listKind: BlockAffinityList, plural: blockaffinities, singular: blockaffinity}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)";

std::string policy(int color, const std::string& segment) {
  return R"({"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Policy",
    "metadata": {"name": "gold"}, "spec": {"endpoint": {"nodeName": "src-b"}, "color": )" +
         std::to_string(color) + R"(, "candidatePaths": [{"segmentLists": [{"segments": [")" +
         segment + R"("]}]}]}})";
}

class SourceTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    if (server_ != nullptr) source_ = start();
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    source_.reset();
    remove(kSrv6Policies, "gold");
    for (const auto* name : {"src-a", "src-b"}) remove(kubernetes::kNodes, name);
  }
  std::unique_ptr<KubernetesSource> start() { return start(server_->config()); }
  std::unique_ptr<KubernetesSource> start(const kube::Config& config) {
    auto made = std::make_unique<KubernetesSource>(io_, std::make_unique<kube::Client>(io_, config),
                                                   kubernetes::SourceSettings{});
    made->start([this](const Result<overlay::IntentChange>& change) {
      ++told_;
      if (change && !change->empty()) ++changes_;
    });
    return made;
  }
  /// The colors of the policies in force.
  [[nodiscard]] std::vector<std::uint32_t> colors() const {
    std::vector<std::uint32_t> colors;
    for (const auto& [key, object] : source_->intent().policies) {
      colors.push_back(object.color.value);
    }
    return colors;
  }
  bool sees(const std::string& node) const { return source_->intent().nodes.contains(node); }

  std::unique_ptr<KubernetesSource> source_;
  int told_ = 0;
  int changes_ = 0;
};

TEST_F(SourceTest, TellsNothingBeforeEveryKindIsReadAndThenAllAtOnce) {
  source_.reset();
  make_node("src-a");
  make(kSrv6Policies, policy(94, "fcff:6::1"));
  source_ = start();
  told_ = 0;
  ASSERT_TRUE(until([&] {
    EXPECT_TRUE(source_->loaded() || source_->intent().nodes.empty());
    return source_->loaded();
  }));
  EXPECT_EQ(told_, 1);
  EXPECT_TRUE(sees("src-a"));
  EXPECT_THAT(colors(), ElementsAre(94U));
  const auto state = source_->state();
  EXPECT_EQ(state.kind, "kubernetes");
  ASSERT_TRUE(state.server);
  EXPECT_TRUE(state.server->reachable);
  EXPECT_EQ(state.server->kinds.size(), 8U);
  for (const auto& kind : state.server->kinds) {
    EXPECT_TRUE(kind.synced) << kind.kind;
    EXPECT_TRUE(kind.lists == 1 || !kind.installed) << kind.kind;
  }
}

TEST_F(SourceTest, FollowsEditsAndDeletionsOfPoliciesAndNodes) {
  make_node("src-a", R"({"podCIDRs": ["10.9.1.0/24"]})");
  ASSERT_TRUE(until([&] { return source_->loaded() && sees("src-a"); }));
  const auto made = make(kSrv6Policies, policy(94, "fcff:6::1"));
  ASSERT_TRUE(until([&] { return colors() == std::vector<std::uint32_t>{94}; }));
  EXPECT_EQ(source_->meta({"SRv6Policy", "gold"})->uid, uid(made));
  server_->kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"},
                   policy(95, "fcff:6::1"));
  ASSERT_TRUE(until([&] { return colors() == std::vector<std::uint32_t>{95}; }));
  EXPECT_EQ(source_->meta({"SRv6Policy", "gold"})->generation, 2);
  server_->kubectl({"annotate", "node", "src-a", "sextant.dev/locator=fcdd:0:0:9aa::/64"});
  ASSERT_TRUE(until([&] { return source_->intent().nodes.at("src-a").locator.has_value(); }));
  remove(kSrv6Policies, "gold");
  ASSERT_TRUE(until([&] { return colors().empty(); }));
  EXPECT_EQ(source_->meta({"SRv6Policy", "gold"}), nullptr);
  remove(kubernetes::kNodes, "src-a");
  EXPECT_TRUE(until([&] { return !sees("src-a"); }));
}

TEST_F(SourceTest, WhatTheSchemaLetsThroughIsAFindingOfThatObject) {
  make_node("src-b");
  make(kSrv6Policies, policy(94, "fcff:6::1"));
  ASSERT_TRUE(until([&] { return source_->loaded() && !colors().empty(); }));
  server_->kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"},
                   policy(95, "fcff:6:::1"));
  ASSERT_TRUE(until([&] { return !source_->findings_of({"SRv6Policy", "gold"}).empty(); }));
  EXPECT_THAT(source_->findings_of({"SRv6Policy", "gold"}).front().text(),
              HasSubstr("segments[0]: 'fcff:6:::1' is not an IPv6 address; its last good form "
                        "stays"));
  EXPECT_THAT(colors(), ElementsAre(94U));
  EXPECT_FALSE(source_->in_doubt("src-b"));

  source_ = start();  // a new agent
  ASSERT_TRUE(until([&] { return source_->loaded(); }));
  EXPECT_THAT(colors(), IsEmpty());
  EXPECT_TRUE(sees("src-b")) << "the others are not held up";
  EXPECT_THAT(source_->findings().front().text(), HasSubstr("left out"));
}

TEST_F(SourceTest, AnotherAgentsReportsAreNotNews) {
  make_node("src-a");
  ASSERT_TRUE(until([&] { return source_->loaded() && sees("src-a"); }));
  const auto before = told_;
  make(kSrv6Nodes, R"({"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Node", "metadata":
    {"name": "src-a", "labels": {"sextant.dev/status-only": "true"}}, "spec": {}})");
  server_->kubectl({"label", "node", "src-a", "seen=yes"});  // comes after it
  ASSERT_TRUE(until([&] { return told_ > before; }));
  EXPECT_EQ(source_->meta({"SRv6Node", "src-a"}), nullptr);
  remove(kSrv6Nodes, "src-a");
}

TEST_F(SourceTest, CalicosKindsAreNoticedWhenTheyAppear) {
  make_node("src-a", R"({"podCIDRs": ["10.9.1.0/24"]})");
  ASSERT_TRUE(until([&] { return source_->loaded() && sees("src-a"); }));
  EXPECT_EQ(source_->server()->ipam, "node");
  server_->kubectl({"apply", "-f", "-"}, kCalicoDefinition);
  server_->kubectl(
      {"wait", "--for=condition=Established", "crd", "blockaffinities.crd.projectcalico.org"});
  server_->kubectl({"apply", "-f", "-"}, R"({"apiVersion": "crd.projectcalico.org/v1",
    "kind": "BlockAffinity", "metadata": {"name": "src-a-172-16-0-64-26"}, "spec": {"cidr":
    "172.16.0.64/26", "deleted": "false", "node": "src-a", "state": "confirmed"}})");
  ASSERT_TRUE(until([&] { return source_->server()->ipam == "calico"; }, std::chrono::seconds(60)));
  const auto& prefixes = source_->intent().nodes.at("src-a").pod_prefixes;
  ASSERT_EQ(prefixes.size(), 1U);
  EXPECT_EQ(prefixes[0].prefix.to_string(), "172.16.0.64/26");
  server_->kubectl({"delete", "crd", "blockaffinities.crd.projectcalico.org"});
  EXPECT_TRUE(until([&] { return source_->server()->ipam == "node"; }, std::chrono::seconds(60)));
}

/// The list comes from the server's memory and has what was written a moment ago.
TEST_F(SourceTest, WhereForwardingStandsNothingThatWasWrittenBeforeIsMissed) {
  make_node("src-a");
  make_node("src-b");
  make(kSrv6Nodes, R"({"apiVersion": "sextant.dev/v1alpha1", "kind": "SRv6Node", "metadata":
    {"name": "src-a", "labels": {"sextant.dev/status-only": "true"}}, "spec": {}})");
  for (int i = 1; i <= 5; ++i) {
    source_.reset();
    const auto locator = "fcdd:0:0:" + std::to_string(i) + "::/64";
    server_->kubectl({"apply", "-f", "-"}, R"({"apiVersion": "sextant.dev/v1alpha1",
      "kind": "SRv6Node", "metadata": {"name": "src-b"}, "spec": {"locator": ")" +
                                               locator + R"("}})");
    source_ = std::make_unique<KubernetesSource>(
        io_, std::make_unique<kube::Client>(io_, server_->config()), kubernetes::SourceSettings{});
    source_->forwarding_stands("src-a");
    std::string first;
    source_->start([&](const Result<overlay::IntentChange>&) {
      const auto& node = source_->intent().nodes.at("src-b");
      if (first.empty()) first = node.locator ? node.locator->prefix().to_string() : "none";
    });
    ASSERT_TRUE(until([&] { return source_->loaded(); }));
    ASSERT_EQ(first, locator);
    for (const auto& [request, count] : source_->client().counts()) {
      if (request.verb != "list" || request.resource != "srv6nodes.sextant.dev") continue;
      EXPECT_EQ(count, 1U) << "the cache had come to that version";
    }
  }
  const auto own = read(kSrv6Nodes, "src-a");
  EXPECT_NE(kubernetes::find(own, "metadata", "annotations", kubernetes::kAgentStartedAnnotation),
            nullptr);
  source_.reset();
  for (const auto* name : {"src-a", "src-b"}) remove(kSrv6Nodes, name);
}

constexpr auto kRoleOfAgent = R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: agent}
rules:
- {apiGroups: [""], resources: [nodes, configmaps], verbs: [get, list, watch]}
- {apiGroups: [sextant.dev], resources: ["*"], verbs: [get, list, watch]}
)";
constexpr auto kRuleForCalico =
    R"(- {apiGroups: [crd.projectcalico.org], resources: ["*"], verbs: [get, list, watch]})";

TEST_F(SourceTest, BeginsWithoutPermissionsForCalicosKindsAndSaysWhatIsMissing) {
  server_->kubectl({"apply", "-f", "-"}, kRoleOfAgent);
  server_->kubectl(
      {"create", "clusterrolebinding", "agent", "--clusterrole=agent", "--user=agent"});
  make_node("src-a");
  source_ = start(server_->config_of_agent());
  ASSERT_TRUE(until([&] { return source_->loaded(); }));
  EXPECT_TRUE(sees("src-a"));
  const auto findings = source_->findings();
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_THAT(findings[0].text(),
              AllOf(HasSubstr("CustomResourceDefinition/ippools.crd.projectcalico.org"),
                    HasSubstr("{apiGroups: [crd.projectcalico.org], resources: [ippools], verbs: "
                              "[get, list, watch]}")));
  EXPECT_EQ(source_->server()->ipam, "node");
  const auto told = told_;
  server_->kubectl({"apply", "-f", "-"}, std::string(kRoleOfAgent) + kRuleForCalico);
  EXPECT_TRUE(until([&] {
    source_->reload();  // an operator's SIGHUP; the server takes a moment to hear of the role
    return source_->findings().empty();
  }));
  EXPECT_GT(told_, told);
  server_->kubectl({"delete", "clusterrole,clusterrolebinding", "agent"});
}

}  // namespace
}  // namespace sextant::kubernetes_tests
