// What is written for the cluster as a whole at a real API server: claims of locators by many
// nodes at once, and the status of policies by whoever leads.
#include <set>

#include "api_fixture.h"
#include "kube/informer.h"
#include "sources/kubernetes/aggregator.h"
#include "sources/kubernetes/locator_claimer.h"

namespace sextant::kubernetes_tests {
namespace {

using namespace kubernetes;
using std::chrono::milliseconds;
using Phase = LocatorClaimer::Phase;

IpPrefix prefix(const std::string& text) { return IpPrefix::parse(text).value(); }

/// The claims as each node's source has them.
class LocatorTest : public ApiTest {
 protected:
  using Claims = kube::Informer<std::pair<std::string, IpPrefix>>;

  void SetUp() override {
    ApiTest::SetUp();
    if (server_ == nullptr) return;
    claims_ = std::make_unique<Claims>(
        *client_, kSrv6Locators, kube::InformerOptions(),
        [](const json::object& object) {
          const json::value value(object);
          return std::make_pair(text_at(value, "spec", "nodeName"),
                                prefix(text_at(value, "spec", "prefix")));
        },
        [this](auto) {
          for (const auto& claimer : claimers_) claimer->changed();
        });
    claims_->start();
    ASSERT_TRUE(until([&] { return claims_->synced(); }));
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    claimers_.clear();
    server_->kubectl({"delete", "srv6locators", "--all"});
  }

  LocatorView view(const std::string& node) {
    LocatorView view{.known = true, .node_uid = uids_[node]};
    if (const auto given = given_.find(node); given != given_.end()) view.current = given->second;
    for (const auto& [other, locator] : given_)
      if (other != node) view.taken.push_back(locator);
    for (const auto& [name, claim] : claims_->objects()) {
      if (claim->first != node)
        view.taken.push_back(claim->second);
      else if (!view.current)
        view.current = claim->second;
    }
    return view;
  }
  LocatorClaimer& claimer(const std::string& node, const char* pool, int length) {
    if (!uids_.contains(node)) uids_[node] = "uid-of-" + node;
    claimers_.push_back(std::make_unique<LocatorClaimer>(
        *client_,
        LocatorClaimerOptions{
            .node = node,
            .pool = LocatorPool::make(prefix(pool), length, overlay::LocatorReach::kOnLink).value(),
            .view = [this, node] { return view(node); }}));
    claimers_.back()->start();
    return *claimers_.back();
  }
  bool all_in(Phase phase) {
    return until([&] {
      return std::ranges::all_of(claimers_,
                                 [&](const auto& one) { return one->status().phase == phase; });
    });
  }

  std::unique_ptr<Claims> claims_;
  std::map<std::string, std::string> uids_;
  std::map<std::string, IpPrefix> given_;  // by annotation
  std::vector<std::unique_ptr<LocatorClaimer>> claimers_;
};

TEST_F(LocatorTest, ManyNodesAtOnceHoldABlockEach) {
  for (int i = 0; i < 32; ++i) claimer("n" + std::to_string(i), "fcbb:bb00::/43", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed)) << "32 nodes, 32 blocks";
  std::set<std::string> blocks;
  for (const auto& one : claimers_) blocks.insert(one->status().block);
  EXPECT_EQ(blocks.size(), 32U);
  ASSERT_TRUE(until([&] { return claims_->objects().size() == 32; }));

  auto& late = claimer("n32", "fcbb:bb00::/43", 48);
  ASSERT_TRUE(until([&] { return late.status().phase == Phase::kExhausted; }));
  EXPECT_NE(late.status().message.find("no free block"), std::string::npos);
  // One becomes free: garbage collection does this with its Node.
  const auto freed = claims_->objects().begin()->first;
  claimers_.erase(std::ranges::find(claimers_,
                                    claims_->objects().begin()->second->second.to_string(),
                                    [](const auto& one) { return one->status().block; }));
  remove(kSrv6Locators, freed);
  EXPECT_TRUE(until([&] { return late.status().phase == Phase::kClaimed; }));
}

TEST_F(LocatorTest, AsksForTheSameBlockAgainWhenItsClaimIsLost) {
  auto& one = claimer("n1", "fcbb:bb00::/32", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed));
  const auto block = one.status().block;
  const auto name = block_name(prefix(block));
  const auto before = uid(read(kSrv6Locators, name));
  ASSERT_FALSE(before.empty());
  ASSERT_TRUE(until([&] { return claims_->objects().size() == 1; }));
  remove(kSrv6Locators, name);
  ASSERT_TRUE(until([&] {
    const auto now = uid(read(kSrv6Locators, name));
    return !now.empty() && now != before;
  }));
  EXPECT_EQ(one.status().block, block);
}

TEST_F(LocatorTest, SkipsWhatIsGivenToOthers) {
  given_.emplace("other", prefix("fcbb:bb00::/47"));
  auto& one = claimer("n1", "fcbb:bb00::/46", 48);
  auto& two = claimer("n2", "fcbb:bb00::/46", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed));
  const std::set<std::string> expected{"fcbb:bb00:2::/48", "fcbb:bb00:3::/48"};
  EXPECT_EQ((std::set<std::string>{one.status().block, two.status().block}), expected);
}

TEST_F(LocatorTest, ANodeReplacedUnderItsNameKeepsTheBlock) {
  claimer("n1", "fcbb:bb00::/32", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed));
  const auto block = claimers_[0]->status().block;
  ASSERT_TRUE(until([&] { return claims_->objects().size() == 1; }));
  claimers_.clear();
  uids_["n1"] = "uid-of-its-successor";
  auto& successor = claimer("n1", "fcbb:bb00::/32", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed));
  EXPECT_EQ(successor.status().block, block);
  const auto object = read(kSrv6Locators, block_name(prefix(block)));
  EXPECT_EQ(text_at(object.at("metadata").at("ownerReferences").at(0), "uid"),
            "uid-of-its-successor");
}

TEST_F(LocatorTest, IsReleasedWhenTheNodeIsGivenALocator) {
  auto& one = claimer("n1", "fcbb:bb00::/32", 48);
  ASSERT_TRUE(all_in(Phase::kClaimed));
  given_.emplace("n1", prefix("fcdd::/48"));
  one.changed();
  ASSERT_TRUE(all_in(Phase::kNotNeeded));
  EXPECT_TRUE(until([&] { return claims_->objects().empty(); }));
  given_.clear();
  one.changed();
  EXPECT_TRUE(all_in(Phase::kClaimed));
}

/// Every change that the source tells of asks the claimer, and there may be thousands of agents.
TEST_F(LocatorTest, AsksTheServerNothingMoreWhereTheLocatorIsGiven) {
  given_.emplace("n1", prefix("fcdd::/48"));
  auto& one = claimer("n1", "fcbb:bb00::/32", 48);
  ASSERT_TRUE(all_in(Phase::kNotNeeded));
  const auto asked = [&] {
    std::uint64_t sum = 0;
    for (const auto& [request, count] : client_->counts())
      if (request.verb == "get") sum += count;
    return sum;
  };
  const auto before = asked();
  for (int i = 0; i < 5; ++i) {
    one.changed();
    run_for(milliseconds(100));
  }
  EXPECT_EQ(asked(), before);
  given_.at("n1") = prefix("fcdd:0:1::/48");
  one.changed();
  EXPECT_TRUE(until([&] { return asked() > before; })) << "it may be a claim of ours";
}

/// Long enough for a busy machine, short enough for a test of handing over.
constexpr milliseconds kLeaseDuration{3000};

/// A policy for all nodes towards `end`; n1 and n2 are headends.
class AggregatorTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    if (server_ == nullptr) return;
    for (const auto* name : {"n1", "n2", "end"}) nodes_[name] = {.name = name};
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    aggregators_.clear();
    server_->kubectl({"delete", "srv6policies,srv6nodes", "--all"});
    server_->kubectl({"delete", "lease", "--all"});
  }
  AggregatorOptions options(const std::string& identity) {
    return {.ns = "default",
            .identity = identity,
            .lease_duration = kLeaseDuration,
            .nodes = [this]() -> const NodesByName& { return nodes_; }};
  }
  Aggregator& aggregator(AggregatorOptions with) {
    aggregators_.push_back(std::make_unique<Aggregator>(*client_, std::move(with)));
    aggregators_.back()->start();
    return *aggregators_.back();
  }
  Aggregator& aggregator(const std::string& identity) { return aggregator(options(identity)); }
  void apply_policy(int color, const std::string& endpoint = "end") {
    server_->kubectl({"apply", "-f", "-"},
                     R"(
apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: gold}
spec:
  endpoint: {nodeName: )" +
                         endpoint + R"(}
  color: )" + std::to_string(color) +
                         R"(
  candidatePaths: [{segmentLists: [{segments: ["fcff::1"]}]}]
)");
  }
  void report(const std::string& node, std::int64_t generation, bool programmed = true) {
    NodeStatus status{.policies = {{.object = {"SRv6Policy", "gold"},
                                    .version = {.uid = uid(policy()), .generation = generation},
                                    .programmed = programmed,
                                    .reason = programmed ? "Programmed" : "DataPlane",
                                    .message = programmed ? "" : "EEXIST"}}};
    keep_times(status, {}, now());
    if (read(kSrv6Nodes, node).is_null())
      make(kSrv6Nodes,
           R"({"apiVersion":"sextant.dev/v1alpha1","kind":"SRv6Node","metadata":{"name":")" + node +
               R"("},"spec":{}})");
    const kube::ObjectRef ref{kSrv6Nodes, "", node};
    json::value patch{{"status", to_json(status)}};
    const auto done = wait_for(client_->patch(ref, std::move(patch), "status"));
    if (!done) throw std::runtime_error(done.error().error.message());
  }
  [[nodiscard]] json::value policy() { return read(kSrv6Policies, "gold"); }
  [[nodiscard]] std::int64_t generation() { return number_at(policy(), "metadata", "generation"); }
  bool until_ready_is(const std::string& wanted) {
    return until([&] {
      const auto object = policy();
      return condition(object, "Ready") == wanted &&
             number_at(object, "status", "observedGeneration") ==
                 number_at(object, "metadata", "generation");
    });
  }

  NodesByName nodes_;
  std::vector<std::unique_ptr<Aggregator>> aggregators_;
};

TEST_F(AggregatorTest, FollowsAPolicyFromItsFirstReportToAnEditAndAFault) {
  auto& leader = aggregator("a");
  ASSERT_TRUE(until([&] { return leader.leading(); }));
  apply_policy(94);
  EXPECT_TRUE(until_ready_is("False NoHeadend"));
  report("n1", 1);
  report("n2", 1);
  ASSERT_TRUE(until_ready_is("True Programmed"));
  EXPECT_EQ(condition(policy(), "Accepted"), "True Accepted");
  EXPECT_EQ(number_at(policy(), "status", "headends", "ready"), 2);
  server_->kubectl({"wait", "--for=condition=Ready", "srp/gold", "--timeout=5s"});

  apply_policy(95);
  ASSERT_EQ(generation(), 2);
  EXPECT_TRUE(until_ready_is("False Pending"));
  report("n1", 2);
  run_for(milliseconds(1500));
  EXPECT_EQ(condition(policy(), "Ready"), "False Pending") << "n2 has not reported it";
  EXPECT_THROW(server_->kubectl({"wait", "--for=condition=Ready", "srp/gold", "--timeout=1s"}),
               std::runtime_error);
  report("n2", 2, false);
  ASSERT_TRUE(until_ready_is("False PartiallyProgrammed"));
  EXPECT_EQ(text_at(policy().at("status").at("notReadyHeadends").at(0), "nodeName"), "n2");
  report("n2", 2);
  EXPECT_TRUE(until_ready_is("True Programmed"));

  run_for(milliseconds(1500));  // the answer to the last write
  const auto written = leader.writes();
  server_->kubectl({"annotate", "srp", "gold", "x=y"});
  run_for(milliseconds(1500));
  EXPECT_EQ(leader.writes(), written) << "nothing that its status tells has changed";
}

TEST_F(AggregatorTest, RefusesObjectsThatTheSchemaLetsThrough) {
  auto& leader = aggregator("a");
  ASSERT_TRUE(until([&] { return leader.leading(); }));
  apply_policy(94, "nobody");
  ASSERT_TRUE(until([&] { return condition(policy(), "Accepted") == "False EndpointNotFound"; }));
  server_->kubectl(
      {"patch", "srp", "gold", "--type=merge", "-p",
       R"({"spec":{"candidatePaths":[{"segmentLists":[{"segments":["fcff:::1"]}]}]}})"});
  ASSERT_TRUE(until([&] { return condition(policy(), "Accepted") == "False Invalid"; }));
  EXPECT_NE(json::serialize(policy().at("status")).find("'fcff:::1' is not an IPv6 address"),
            std::string::npos);
  apply_policy(94);
  ASSERT_TRUE(until([&] { return condition(policy(), "Accepted") == "True Accepted"; }));
  server_->kubectl({"patch", "srp", "gold", "--type=merge", "-p",
                    R"({"spec":{"candidatePaths":[{"segmentLists":[{"segments":["r9"]}]}]}})"});
  ASSERT_TRUE(until([&] { return condition(policy(), "Accepted") == "False SegmentNotFound"; }));
}

TEST_F(AggregatorTest, ANewNodeMakesAnEndpointThatWasMissing) {
  auto& leader = aggregator("a");
  ASSERT_TRUE(until([&] { return leader.leading(); }));
  apply_policy(94, "late");
  ASSERT_TRUE(until([&] { return condition(policy(), "Accepted") == "False EndpointNotFound"; }));
  nodes_["late"] = {.name = "late"};
  leader.nodes_changed();
  EXPECT_TRUE(until([&] { return condition(policy(), "Accepted") == "True Accepted"; }));
}

TEST_F(AggregatorTest, HandsOver) {
  auto& first = aggregator("a");
  ASSERT_TRUE(until([&] { return first.leading(); }));
  auto& second = aggregator("b");
  apply_policy(94);
  report("n1", 1);
  ASSERT_TRUE(until_ready_is("True Programmed"));
  const auto since = json::serialize(policy().at("status").at("conditions"));
  EXPECT_FALSE(second.leading());

  bool released = false;
  boost::asio::co_spawn(io_, first.release(), [&](const std::exception_ptr&) { released = true; });
  ASSERT_TRUE(until([&] { return released && second.leading(); }, 3 * kLeaseDuration));
  run_for(milliseconds(1000));
  EXPECT_EQ(second.writes(), 0U) << "it finds what the first has written";
  EXPECT_EQ(json::serialize(policy().at("status").at("conditions")), since);
  apply_policy(95);
  report("n1", 2);
  EXPECT_TRUE(until_ready_is("True Programmed"));
  EXPECT_GE(second.writes(), 1U);
}

TEST_F(AggregatorTest, CandidatesOfALargeClusterAskForTheLeaseLessOften) {
  for (const auto* seconds : {"15", "60"}) {
    auto as_agents_do = options("a");
    as_agents_do.lease_duration.reset();
    auto& leader = aggregator(std::move(as_agents_do));
    ASSERT_TRUE(until([&] { return leader.leading(); }));
    EXPECT_EQ(server_->kubectl({"get", "lease", "sextant-aggregator", "--output",
                                "jsonpath={.spec.leaseDurationSeconds}"}),
              seconds);
    aggregators_.clear();
    for (int i = 0; i < 1000; ++i) nodes_["m" + std::to_string(i)] = {};
  }
}

/// A small cluster bears 50 writes a second; time that others have anyway is no evaluation's.
TEST_F(AggregatorTest, WritesManyPoliciesWithoutMorePausesThanTheirPace) {
  constexpr int kPolicies = 12;
  for (int i = 0; i < kPolicies; ++i)
    make(kSrv6Policies, R"({"apiVersion":"sextant.dev/v1alpha1","kind":"SRv6Policy","metadata":
      {"name":"p)" + std::to_string(i) +
                            R"("},"spec":{"endpoint":{"nodeName":"end"},"color":9,
      "candidatePaths":[{"segmentLists":[{"segments":["fcff::1"]}]}]}})");
  std::vector<std::chrono::steady_clock::time_point> written;
  auto noting = options("a");
  noting.on_write = [&](const auto&, const auto&) {
    written.push_back(std::chrono::steady_clock::now());
  };
  aggregator(std::move(noting));
  ASSERT_TRUE(until([&] { return written.size() == kPolicies; }));
  auto shortest = std::chrono::steady_clock::duration::max();
  for (std::size_t i = 1; i < written.size(); ++i)
    shortest = std::min(shortest, written[i] - written[i - 1]);
  EXPECT_GE(shortest, milliseconds(20));
  EXPECT_LT(shortest, milliseconds(90));
}

TEST_F(AggregatorTest, ManyReportsAreFewWrites) {
  for (int i = 0; i < 30; ++i) {
    const auto name = "m" + std::to_string(i);
    nodes_[name] = {.name = name};
  }
  auto& leader = aggregator("a");
  ASSERT_TRUE(until([&] { return leader.leading(); }));
  apply_policy(94);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 30; ++i) report("m" + std::to_string(i), 1);
  ASSERT_TRUE(until([&] { return number_at(policy(), "status", "headends", "ready") == 30; }));
  const auto seconds = (std::chrono::steady_clock::now() - begun) / std::chrono::seconds(1);
  EXPECT_LE(leader.writes(), static_cast<std::uint64_t>(seconds) + 3);
}

}  // namespace
}  // namespace sextant::kubernetes_tests
