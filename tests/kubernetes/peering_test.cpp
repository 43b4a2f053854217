// Calico's objects of BGP at a real API server -> sessions of two nodes: they come up, change and
// go as the objects say, and others stay up.
#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include "api_fixture.h"
#include "sources/bgp/bgp_source.h"
#include "sources/kubernetes/kubernetes_source.h"
#include "testbed/process.h"

namespace sextant::kubernetes_tests {
namespace {

using bgp_source::BgpSource;
using kubernetes::KubernetesSource;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The program's own network namespace, API server and all: the nodes' sessions need addresses.
class OwnNetwork : public testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    run({"ip", "link", "set", "lo", "up"});
    for (const auto* address : {"fd11::1/128", "fd12::1/128", "fd13::1/128"})
      run({"ip", "address", "add", address, "dev", "lo", "nodad"});
  }

 private:
  static void run(std::vector<std::string> arguments) {
    const auto done = testbed::run({.arguments = std::move(arguments)}, std::chrono::seconds(10));
    ASSERT_TRUE(done && done->status == 0) << (done ? done->err : done.error().message());
  }
};
const auto* const kOwnNetwork = testing::AddGlobalTestEnvironment(new OwnNetwork);

/// As much of Calico's definitions as an API server needs to hold the objects.
std::string definition(const std::string& kind, const std::string& plural) {
  const auto singular = plural.substr(0, plural.size() - 1);
  return "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: "
         "{name: " +
         plural +
         ".crd.projectcalico.org}\nspec:\n  group: crd.projectcalico.org\n  scope: Cluster\n" +
         "  names: {kind: " + kind + ", listKind: " + kind + "List, plural: " + plural +
         ", singular: " + singular +
         "}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n" +
         "    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: "
         "true}}\n";
}
const std::string kDefinitions = definition("BGPConfiguration", "bgpconfigurations") +
                                 definition("BGPPeer", "bgppeers") +
                                 definition("BGPFilter", "bgpfilters");

std::string object(const std::string& kind, const std::string& name, const std::string& spec) {
  return "---\n{apiVersion: crd.projectcalico.org/v1, kind: " + kind +
         ", metadata: {name: " + name + "}, spec: {" + spec + "}}\n";
}

constexpr auto kNamespace = "default";  // of the passwords

class PeeringTest : public ApiTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for a network namespace";
    ApiTest::SetUp();
    if (server_ == nullptr) return;
    apply(kDefinitions);
    server_->kubectl({"wait", "--for=condition=Established", "crd", "--all"});
    for (int number = 1; number <= 3; ++number) make_node(number);
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    agents_.clear();
    for (int number = 1; number <= 3; ++number) remove(kubernetes::kNodes, name(number));
    for (const auto* plural : {"bgpconfigurations", "bgppeers", "bgpfilters"})
      server_->kubectl({"delete", "crd", plural + std::string(".crd.projectcalico.org")});
    server_->kubectl({"delete", "secret", "bgp", "-n", kNamespace, "--ignore-not-found"});
  }

  static std::string name(int number) { return "bgp-" + std::to_string(number); }
  void make_node(int number) {
    const auto text = std::to_string(number);
    make(kubernetes::kNodes,
         R"({"apiVersion": "v1", "kind": "Node", "metadata": {"name": ")" + name(number) +
             R"(", "annotations": {"sextant.dev/locator": "fcdd:0:0:)" + text +
             R"(::/64"}}, "status": {"addresses": [{"type": "InternalIP",
                                 "address": "fd1)" +
             text + R"(::1"}, {"type": "InternalIP", "address": "10.0.0.)" + text + R"("}]}})");
  }
  void apply(const std::string& text) {
    // What begins with a brace is JSON to kubectl.
    server_->kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"}, "---\n" + text);
  }

  BgpSource& start(int number, const kube::Config& config) {
    kubernetes::SourceSettings read;
    read.config_map_namespace = kNamespace;
    read.peering = true;
    bgp_source::BgpSettings settings;
    settings.calico.emplace();
    settings.calico->port = 1179;
    settings.calico->connect_retry = std::chrono::seconds(1);
    settings.calico->idle_hold = std::chrono::milliseconds(100);
    settings.calico->families = {{.family = bgp::kIpv6Unicast}};
    settings.speaker.listen = {{.address = IpAddress()}};
    settings.listens_by_default = true;
    auto kubernetes = std::make_unique<KubernetesSource>(
        io_, std::make_unique<kube::Client>(io_, config), std::move(read));
    agents_.push_back(std::make_unique<BgpSource>(
        io_, std::move(kubernetes), std::move(settings),
        BgpSource::Options{.node = name(number), .file = "/nonexistent"}));
    agents_.back()->start([](const Result<overlay::IntentChange>&) {});
    return *agents_.back();
  }
  BgpSource& start(int number) { return start(number, server_->config()); }

  /// The Secrets that an agent that starts now knows when it begins to act.
  std::set<std::string> passwords_at_load() {
    kubernetes::SourceSettings read;
    read.config_map_namespace = kNamespace;
    read.peering = true;
    KubernetesSource source(io_, std::make_unique<kube::Client>(io_, server_->config()),
                            std::move(read));
    std::optional<std::set<std::string>> known;
    source.start([&](const Result<overlay::IntentChange>&) {
      if (known || !source.loaded()) return;
      known.emplace();
      for (const auto& [name, secret] : source.peering().secrets) known->insert(name);
    });
    EXPECT_TRUE(until([&] { return known.has_value(); }));
    return known.value_or(std::set<std::string>());
  }

  static std::vector<std::string> peers(const BgpSource& agent, bool established = false) {
    std::vector<std::string> addresses;
    if (agent.speaker() == nullptr) return addresses;
    for (const auto& peer : agent.speaker()->peers()) {
      if (!established || peer.state == bgp::State::kEstablished)
        addresses.push_back(peer.address.to_string());
    }
    return addresses;
  }
  bool until_up(const BgpSource& agent, const std::vector<std::string>& wanted) {
    return until([&] { return peers(agent, true) == wanted && peers(agent) == wanted; },
                 std::chrono::seconds(20));
  }
  /// How often the session with the second node came up.
  static std::uint64_t ups(const BgpSource& agent) {
    return agent.speaker()->peer(IpAddress::parse("fd12::1").value())->counters.established;
  }
  static std::vector<std::string> findings(const BgpSource& agent) {
    std::vector<std::string> texts;
    for (const auto& finding : agent.findings()) texts.push_back(finding.text());
    return texts;
  }

  std::vector<std::unique_ptr<BgpSource>> agents_;
};

/// Each node listens on its own address: they share a host here.
std::string configuration(const std::string& more) {
  return object("BGPConfiguration", "default", "bindMode: NodeIP, " + more);
}
std::string peer(const std::string& name, const std::string& spec) {
  return object("BGPPeer", name, spec);
}

TEST_F(PeeringTest, ObjectsMakeAndChangeSessionsWithoutTouchingOthers) {
  apply(configuration("nodeToNodeMeshEnabled: true"));
  auto& one = start(1);
  auto& two = start(2);
  EXPECT_TRUE(until([&] { return peers(one, true) == std::vector<std::string>{"fd12::1"}; }));
  EXPECT_THAT(peers(one), ElementsAre("fd12::1", "fd13::1")) << "which has no agent yet";

  apply(configuration("nodeToNodeMeshEnabled: false") +
        peer("pair", "node: bgp-1, peerIP: 'fd12::1'"));
  EXPECT_TRUE(until_up(one, {"fd12::1"}) && until_up(two, {"fd11::1"}))
      << testing::PrintToString(findings(one));
  const auto before = ups(one);

  auto& three = start(3);
  apply(peer("third", "node: bgp-1, peerIP: 'fd13::1'"));
  EXPECT_TRUE(until_up(one, {"fd12::1", "fd13::1"}) && until_up(three, {"fd11::1"}));

  const std::string locked = "password: {secretKeyRef: {name: bgp, key: third}}";
  apply(peer("third", "node: bgp-1, peerIP: 'fd13::1', " + locked));
  EXPECT_TRUE(until_up(one, {"fd12::1"}));
  EXPECT_THAT(findings(one),
              Contains(HasSubstr("BGPPeer/third: no session with fd13::1: its "
                                 "password is not to be had (Secret bgp, key third)")));
  apply(std::string("{apiVersion: v1, kind: Secret, metadata: {name: bgp, namespace: ") +
        kNamespace + "}, stringData: {third: s3cret}}");
  EXPECT_TRUE(until_up(one, {"fd12::1", "fd13::1"}) && until_up(three, {"fd11::1"}));
  EXPECT_EQ(one.speaker()->config().peers.back().md5_password, "s3cret");
  EXPECT_THAT(findings(one), IsEmpty());
  EXPECT_TRUE(passwords_at_load().contains("bgp"));

  apply(peer("third", "node: bgp-1, peerIP: 'fd13::1::', " + locked));
  EXPECT_TRUE(until([&] { return !findings(one).empty(); }));
  EXPECT_THAT(findings(one), ElementsAre(HasSubstr("is not an address, nor one with a port")));
  EXPECT_THAT(peers(one, true), ElementsAre("fd12::1", "fd13::1")) << "its last good form stays";
  server_->kubectl({"delete", "bgppeers.crd.projectcalico.org", "third"});
  EXPECT_TRUE(until_up(one, {"fd12::1"}));

  apply(configuration("nodeToNodeMeshEnabled: false, asNumber: 65001"));
  EXPECT_TRUE(until([&] { return !findings(one).empty(); }));
  EXPECT_THAT(findings(one), ElementsAre(HasSubstr("the AS number (65001) changed, which takes a "
                                                   "restart of the agent; until then peers stay")));
  EXPECT_EQ(one.speaker()->config().asn, 64512U);
  EXPECT_EQ(ups(one), before) << "the one that nobody changed never went down";
}

constexpr auto kRole = R"(
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: agent}, rules: [
 {apiGroups: [""], resources: [nodes, configmaps], verbs: [get, list, watch]},
 {apiGroups: [sextant.dev], resources: ["*"], verbs: [get, list, watch]},
 {apiGroups: [crd.projectcalico.org], resources: [ippools, blockaffinities, ipamblocks], verbs: [get, list, watch]}]}
)";

TEST_F(PeeringTest, MayBeReadByTheNameOfASecretAndSayWhatIsForbidden) {
  apply(kRole);
  server_->kubectl(
      {"create", "clusterrolebinding", "agent", "--clusterrole=agent", "--user=agent"});
  apply(configuration("nodeToNodeMeshEnabled: false") +
        peer("tor", "peerIP: 'fd12::1', password: {secretKeyRef: {name: bgp, key: tor}}"));
  auto& agent = start(1, server_->config_of_agent());
  const auto says = [&](const std::string& text) {
    return until([&] { return testing::Matches(Contains(HasSubstr(text)))(findings(agent)); });
  };
  EXPECT_TRUE(says("resources: [bgppeers], verbs: [get, list, watch]}"));
  EXPECT_TRUE(until([&] { return peers(agent).size() == 2; })) << "as if there were no objects";

  apply(std::string(kRole).replace(std::string(kRole).find("ippools"), 7,
                                   "bgpconfigurations, bgppeers, bgpfilters, ippools"));
  EXPECT_TRUE(until([&] {
    agent.reload();  // the server takes a moment to hear of the role
    return peers(agent).empty();
  }));
  EXPECT_TRUE(says("Secret/bgp: this agent may not read it"));
  server_->kubectl({"create", "role", "passwords", "-n", kNamespace, "--verb=get,list,watch",
                    "--resource=secrets", "--resource-name=bgp"});
  server_->kubectl(
      {"create", "rolebinding", "passwords", "-n", kNamespace, "--role=passwords", "--user=agent"});
  server_->kubectl(
      {"create", "secret", "generic", "bgp", "-n", kNamespace, "--from-literal=tor=s3"});
  EXPECT_TRUE(until([&] {
    agent.reload();
    return peers(agent) == std::vector<std::string>{"fd12::1"};
  })) << testing::PrintToString(findings(agent));
  server_->kubectl({"delete", "clusterrole,clusterrolebinding", "agent"});
}

}  // namespace
}  // namespace sextant::kubernetes_tests
