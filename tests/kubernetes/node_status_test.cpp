// This node's own objects at a real API server: its SRv6Node's status, its Node's condition and
// taints, its DaemonSet.
#include "api_fixture.h"
#include "sources/kubernetes/daemon_set_watch.h"
#include "sources/kubernetes/node_keeper.h"
#include "sources/kubernetes/status_writer.h"

namespace sextant::kubernetes_tests {
namespace {

using namespace kubernetes;
using std::chrono::milliseconds;

class StatusWriterTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    if (server_ == nullptr) return;
    name_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    for (auto& byte : name_) byte = static_cast<char>(std::tolower(byte));
    node_uid_ = uid(make_node(name_));
    status_.conditions = {
        {.type = "Ready", .status = ConditionStatus::kTrue, .reason = "Forwarding"}};
    status_.sids = {{"fcbb::1", "End.DT4"}};
    status_.policies = {{.object = {"SRv6Policy", "gold"},
                         .version = {.uid = "1a2b3c4d-0", .generation = 1},
                         .families = {Family::kIpv4},
                         .programmed = true,
                         .reason = "Programmed"}};
  }
  std::unique_ptr<StatusWriter> writer() { return writer(*client_); }
  std::unique_ptr<StatusWriter> writer(kube::Client& client) {
    auto made = std::make_unique<StatusWriter>(
        client, StatusWriterOptions{.node = name_,
                                    .report = [this] { return status_; },
                                    .node_uid = [this] { return node_uid_; },
                                    .nodes = [this] { return nodes_; },
                                    .headends = [](const auto&) { return std::size_t{2}; }});
    made->start();
    made->changed();
    return made;
  }
  [[nodiscard]] json::value own() { return read(kSrv6Nodes, name_); }

  std::string name_;
  std::string node_uid_;
  std::size_t nodes_ = 3;
  NodeStatus status_;
};

TEST_F(StatusWriterTest, MakesTheObjectWithItsNodeAsOwnerAndWritesOnce) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  const auto object = own();
  EXPECT_EQ(condition(object, "Ready"), "True Forwarding");
  EXPECT_EQ(text_at(object, "metadata", "labels", kManagedByLabel), kManagedBy);
  EXPECT_NE(find(object, "metadata", "labels", kStatusOnlyLabel), nullptr);
  const auto& owner = object.at("metadata").at("ownerReferences").at(0);
  EXPECT_EQ(text_at(owner, "uid"), node_uid_);
  EXPECT_EQ(object.at("status").at("policies").at(0).at("observedGeneration").to_number<int>(), 1);

  for (int i = 0; i < 3; ++i) {
    made->changed();
    run_for(milliseconds(400));
  }
  EXPECT_EQ(made->writes(), 1U) << "nothing has changed";
  status_.policies[0].programmed = false;
  status_.policies[0].reason = "NoValidPath";
  made->changed();
  ASSERT_TRUE(until([&] { return made->writes() == 2; }));
  EXPECT_FALSE(own().at("status").at("policies").at(0).at("programmed").as_bool());
}

TEST_F(StatusWriterTest, ManyChangesAreFewWrites) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  for (int generation = 2; generation < 200; ++generation) {
    status_.policies[0].version.generation = generation;
    made->changed();
    run_for(milliseconds(10));
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  ASSERT_TRUE(until([&] {
    return number_of(find(own().at("status").at("policies").at(0), "observedGeneration")) == 199;
  }));
  EXPECT_LE(made->writes(), 3U + static_cast<std::uint64_t>(took / std::chrono::seconds(1)));
}

/// In a large cluster too: it is the policy's headends that have to tell of it, not all nodes.
TEST_F(StatusWriterTest, APolicyOfFewHeadendsIsReportedAtOnce) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  nodes_ = 1'000'000;  // would take them an hour
  run_for(milliseconds(1100));
  status_.policies[0].version.generation = 2;
  const auto begun = std::chrono::steady_clock::now();
  made->changed();
  ASSERT_TRUE(until([&] { return made->writes() == 2; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  status_.conditions[0].status = ConditionStatus::kFalse;
  made->changed();
  run_for(milliseconds(1500));
  EXPECT_EQ(made->writes(), 2U) << "that may be news of all nodes";
}

TEST_F(StatusWriterTest, ARestartedAgentKeepsTheTimes) {
  status_.conditions[0].since = {};
  {
    const auto made = writer();
    ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  }
  const auto before = own();
  run_for(milliseconds(1100));  // times have whole seconds
  const auto again = writer();
  ASSERT_TRUE(until([&] { return again->writes() == 1; }));
  EXPECT_EQ(own().at("status"), before.at("status"));
  EXPECT_EQ(own().at("metadata").at("resourceVersion"), before.at("metadata").at("resourceVersion"))
      << "the same status is no write to etcd";
}

TEST_F(StatusWriterTest, WritesALostStatusAgain) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  const auto before = own();
  remove(kSrv6Nodes, name_);
  ASSERT_TRUE(until([&] { return condition(own(), "Ready") == "True Forwarding"; }));
  EXPECT_NE(uid(own()), uid(before));
  EXPECT_EQ(own().at("status").at("conditions"), before.at("status").at("conditions"))
      << "and with its times";

  server_->kubectl({"patch", "srv6node", name_, "--type=json", "-p",
                    R"([{"op":"replace","path":"/metadata/labels","value":{}}])"});
  auto spoiled = own();
  spoiled.at("status").as_object()["conditions"] = json::array();
  const kube::ObjectRef ref{kSrv6Nodes, "", name_};
  ASSERT_TRUE(wait_for(client_->update(ref, spoiled, "status")));
  EXPECT_TRUE(until([&] { return condition(own(), "Ready") == "True Forwarding"; }));
}

TEST_F(StatusWriterTest, LeavesAUsersSpecAndLabelsAlone) {
  make(kSrv6Nodes,
       R"({"apiVersion":"sextant.dev/v1alpha1","kind":"SRv6Node","metadata":{"name":")" + name_ +
           R"(","labels":{"a":"b"}},"spec":{"locator":"fcbb::/48"}})");
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  const auto object = own();
  EXPECT_EQ(text_at(object, "spec", "locator"), "fcbb::/48");
  EXPECT_EQ(json::serialize(object.at("metadata").at("labels")), R"({"a":"b"})");
  EXPECT_EQ(find(object, "metadata", "ownerReferences"), nullptr);
  EXPECT_EQ(condition(object, "Ready"), "True Forwarding");
}

TEST_F(StatusWriterTest, ASpecThatAUserAddsIsShownToAllNodes) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  server_->kubectl({"patch", "srv6node", name_, "--type=merge", "-p",
                    R"({"spec":{"locator":"fcbb:0:9::/48"}})"});
  EXPECT_TRUE(until([&] { return find(own(), "metadata", "labels", kStatusOnlyLabel) == nullptr; }))
      << "other agents leave labelled ones out of their watch";
}

TEST_F(StatusWriterTest, BelongsToTheNodeOfNow) {
  const auto made = writer();
  ASSERT_TRUE(until([&] { return made->writes() == 1; }));
  remove(kNodes, name_);
  node_uid_ = uid(make_node(name_));
  made->changed();
  EXPECT_TRUE(until([&] {
    return text_at(own().at("metadata").at("ownerReferences").at(0), "uid") == node_uid_;
  }));
}

constexpr auto kRoleOfReporter = R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reporter}
rules:
- {apiGroups: [sextant.dev], resources: [srv6nodes], verbs: [get, list, watch]}
- {apiGroups: [sextant.dev], resources: [srv6nodes/status], verbs: [patch]}
)";

/// Some clusters let only those change an object's owners who may delete it.
TEST_F(StatusWriterTest, WritesItsStatusAlsoWhereItMayNotMendTheRest) {
  make(kSrv6Nodes,
       R"({"apiVersion":"sextant.dev/v1alpha1","kind":"SRv6Node","metadata":{"name":")" + name_ +
           R"(","labels":{"app.kubernetes.io/managed-by":"sextant"}},"spec":{}})");
  server_->kubectl({"apply", "-f", "-"}, kRoleOfReporter);
  server_->kubectl(
      {"create", "clusterrolebinding", "reporter", "--clusterrole=reporter", "--user=agent"});
  kube::Client agent(io_, server_->config_of_agent());
  const auto made = writer(agent);
  EXPECT_TRUE(until([&] { return condition(own(), "Ready") == "True Forwarding"; }));
  EXPECT_EQ(find(own(), "metadata", "ownerReferences"), nullptr);
  server_->kubectl({"delete", "clusterrole,clusterrolebinding", "reporter"});
}

class NodeKeeperTest : public ApiTest {
 protected:
  std::unique_ptr<NodeKeeper> keeper(const std::string& name) {
    auto made = std::make_unique<NodeKeeper>(
        *client_, name, [this] { return progress_; }, [this] { ++nodes_heard_; });
    made->start();
    return made;
  }
  [[nodiscard]] std::string taints(const std::string& name) {
    const auto node = read(kNodes, name);
    std::string keys;
    if (const auto* list = find(node, "spec", "taints"))
      for (const auto& taint : list->get_array())
        if (const auto key = text_at(taint, "key"); !key.starts_with("node.kubernetes.io/"))
          keys += key + " ";
    return keys;
  }
  Progress progress_;
  int nodes_heard_ = 0;
};

constexpr auto kTaints =
    R"({"taints":[{"key":"mine","effect":"NoSchedule"},{"key":"sextant.dev/not-ready","effect":"NoSchedule"}]})";

TEST_F(NodeKeeperTest, TellsWhenTheNodeForwardsAndNoEarlier) {
  const auto node = make_node("fresh", kTaints);
  progress_.why_not = "no locator";
  const auto made = keeper("fresh");
  ASSERT_TRUE(until([&] {
    return condition(read(kNodes, "fresh"), "NetworkUnavailable") == "True SextantIsNotUp";
  }));
  EXPECT_EQ(taints("fresh"), "mine sextant.dev/not-ready ");
  EXPECT_EQ(made->uid(), uid(node));
  EXPECT_EQ(nodes_heard_, 1);

  progress_ = {.forwards = true};
  made->changed();
  ASSERT_TRUE(until([&] { return taints("fresh") == "mine "; }));
  EXPECT_EQ(condition(read(kNodes, "fresh"), "NetworkUnavailable"), "False SextantIsUp");
}

TEST_F(NodeKeeperTest, TouchesNothingWhileForwardingStandsFromBefore) {
  make_node("standing", kTaints);
  progress_ = {.stood = true, .why_not = "starting"};
  const auto made = keeper("standing");
  ASSERT_TRUE(until([&] { return !made->uid().empty(); }));
  run_for(milliseconds(300));
  EXPECT_EQ(condition(read(kNodes, "standing"), "NetworkUnavailable"), "");
  EXPECT_EQ(taints("standing"), "mine sextant.dev/not-ready ");
}

TEST_F(NodeKeeperTest, NeverDropsATaintThatCameMeanwhile) {
  make_node("busy", kTaints);
  progress_ = {.forwards = true};
  const auto made = keeper("busy");
  // Others write the list too, as fast as they can.
  for (int i = 0; i < 10; ++i)
    server_->kubectl({"taint", "node", "busy", "other" + std::to_string(i) + "=x:NoSchedule"});
  ASSERT_TRUE(until([&] { return taints("busy").find("sextant") == std::string::npos; }));
  for (int i = 0; i < 10; ++i)
    EXPECT_NE(taints("busy").find("other" + std::to_string(i)), std::string::npos) << i;
  EXPECT_NE(taints("busy").find("mine"), std::string::npos);
}

TEST_F(NodeKeeperTest, UntaintsANodeThatRegistersAnew) {
  make_node("again", kTaints);
  progress_ = {.forwards = true};
  const auto made = keeper("again");
  ASSERT_TRUE(until([&] { return taints("again") == "mine "; }));
  remove(kNodes, "again");
  const auto node = make_node("again", kTaints);
  ASSERT_TRUE(until([&] { return taints("again") == "mine " && made->uid() == uid(node); }));
  EXPECT_TRUE(until([&] {
    return condition(read(kNodes, "again"), "NetworkUnavailable") == "False SextantIsUp";
  }));
}

TEST_F(NodeKeeperTest, GivesItsConditionUpAndLeavesOthers) {
  make_node("leaving", kTaints);
  server_->kubectl({"get", "node", "leaving"});
  const kube::ObjectRef ref{kNodes, "", "leaving"};
  auto node = read(kNodes, "leaving");
  node.at("status").as_object()["conditions"] = {
      {{"type", "Ready"}, {"status", "True"}, {"reason", "KubeletReady"}}};
  ASSERT_TRUE(wait_for(client_->update(ref, node, "status")));
  progress_ = {.forwards = true};
  const auto made = keeper("leaving");
  ASSERT_TRUE(until([&] {
    return condition(read(kNodes, "leaving"), "NetworkUnavailable") == "False SextantIsUp";
  }));
  EXPECT_EQ(condition(read(kNodes, "leaving"), "Ready"), "True KubeletReady");
  bool done = false;
  boost::asio::co_spawn(io_, made->release(), [&](const std::exception_ptr&) { done = true; });
  ASSERT_TRUE(until([&] { return done; }));
  EXPECT_EQ(condition(read(kNodes, "leaving"), "NetworkUnavailable"), "");
  EXPECT_EQ(condition(read(kNodes, "leaving"), "Ready"), "True KubeletReady");
  made->changed();
  run_for(milliseconds(300));
  EXPECT_EQ(condition(read(kNodes, "leaving"), "NetworkUnavailable"), "") << "given up for good";
  made->resume();  // the DaemonSet is there again
  EXPECT_TRUE(until([&] {
    return condition(read(kNodes, "leaving"), "NetworkUnavailable") == "False SextantIsUp";
  }));
}

constexpr auto kDaemonSet = R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: sextant}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: i}]}
)";

class DaemonSetWatchTest : public ApiTest {
 protected:
  void watch(const std::string& ns, const kube::Config& config) {
    agent_ = std::make_unique<kube::Client>(io_, config);
    watch_ = std::make_unique<DaemonSetWatch>(*agent_, ns, "sextant",
                                              [this](bool deleted) { told_.push_back(deleted); });
    watch_->start();
  }
  void watch(const std::string& ns) { watch(ns, server_->config()); }
  void apply(const std::string& ns) {
    server_->kubectl({"apply", "-n", ns, "-f", "-"}, kDaemonSet);
    run_for(milliseconds(500));  // it tells of what is deleted only
  }
  [[nodiscard]] std::uint64_t requests(const std::string& verb, const std::string& resource) const {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : agent_->counts())
      if (kind.verb == verb && kind.resource == resource) sum += count;
    return sum;
  }
  std::unique_ptr<kube::Client> agent_;
  std::unique_ptr<DaemonSetWatch> watch_;
  std::vector<bool> told_;
};

TEST_F(DaemonSetWatchTest, TellsDeletionAndNothingElse) {
  watch("default");
  run_for(milliseconds(500));
  EXPECT_FALSE(watch_->deleted()) << "it never was there: this agent is somebody else's";
  EXPECT_FALSE(wait_for(watch_->ask(milliseconds(5000))));
  apply("default");
  server_->kubectl({"annotate", "daemonset", "sextant", "x=y"});
  run_for(milliseconds(300));
  EXPECT_FALSE(watch_->deleted()) << "an upgrade";
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(wait_for(watch_->ask(milliseconds(30'000))));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10))
      << "the server's word is enough";
  server_->kubectl({"delete", "daemonset", "sextant", "--wait=false"});
  EXPECT_TRUE(until([&] { return watch_->deleted(); }));
  apply("default");
  EXPECT_TRUE(until([&] { return !watch_->deleted(); })) << "replaced";
  server_->kubectl({"delete", "daemonset", "sextant", "--cascade=foreground", "--wait=false"});
  EXPECT_TRUE(until([&] { return watch_->deleted(); })) << "it waits for its pods to go";
  EXPECT_EQ(told_, (std::vector<bool>{true, false, true}));
}

/// The signal may come before the watch has said it: nothing runs between deletion and question.
TEST_F(DaemonSetWatchTest, AsksAtTheEndWhatTheWatchHasNotSaidYet) {
  server_->kubectl({"create", "namespace", "asked"});
  watch("asked");
  apply("asked");
  server_->kubectl({"delete", "daemonset", "-n", "asked", "sextant", "--wait=false"});
  ASSERT_FALSE(watch_->deleted());
  EXPECT_TRUE(wait_for(watch_->ask(milliseconds(5000))));
  server_->kubectl({"delete", "namespace", "asked", "--wait=false"});
}

TEST_F(DaemonSetWatchTest, GoesWithItsNamespace) {
  server_->kubectl({"create", "namespace", "going"});
  watch("going");
  apply("going");
  server_->kubectl({"delete", "namespace", "going", "--wait=false"});  // nobody finalizes it
  EXPECT_TRUE(wait_for(watch_->ask(milliseconds(5000))));
  EXPECT_FALSE(read(kNamespaces, "going").is_null());
  EXPECT_TRUE(until([&] { return told_ == std::vector<bool>{true}; }));
}

constexpr auto kRoleOfWatcher = R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watcher}
rules:
- {apiGroups: [apps], resources: [daemonsets], verbs: [get, list, watch]}
)";

/// `kubectl delete -k` takes the agent's permissions with the rest; what it watches it still hears.
TEST_F(DaemonSetWatchTest, HearsOfItByTheWatchWherePermissionsAreGone) {
  server_->kubectl({"create", "namespace", "bare"});
  server_->kubectl({"apply", "-f", "-"}, kRoleOfWatcher);
  server_->kubectl(
      {"create", "clusterrolebinding", "watcher", "--clusterrole=watcher", "--user=agent"});
  server_->kubectl({"apply", "-n", "bare", "-f", "-"}, kDaemonSet);
  const kube::ObjectRef ref{kDaemonSets, "bare", "sextant"};
  agent_ = std::make_unique<kube::Client>(io_, server_->config_of_agent());
  const auto allowed = [&] { return wait_for(agent_->get(ref)).has_value(); };
  ASSERT_TRUE(until(allowed));
  watch("bare", server_->config_of_agent());
  ASSERT_TRUE(until([&] { return requests("watch", "daemonsets.apps") > 0; }));
  server_->kubectl({"delete", "clusterrole,clusterrolebinding", "watcher"});
  ASSERT_TRUE(until([&] { return !allowed(); }));
  EXPECT_FALSE(wait_for(watch_->ask(milliseconds(200)))) << "nobody knows";
  bool answer = false;
  boost::asio::co_spawn(io_, watch_->ask(std::chrono::seconds(30)),
                        [&](const std::exception_ptr&, bool deleted) { answer = deleted; });
  run_for(milliseconds(300));
  EXPECT_FALSE(answer);
  server_->kubectl({"delete", "daemonset", "-n", "bare", "sextant", "--wait=false"});
  EXPECT_TRUE(until([&] { return answer; }));
  server_->kubectl({"delete", "namespace", "bare", "--wait=false"});
}

}  // namespace
}  // namespace sextant::kubernetes_tests
