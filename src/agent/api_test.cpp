#include "agent/api.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "agent/example_intent.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    auto owned = std::make_unique<dataplane::FakeDataplane>();
    fake_ = owned.get();
    reconciler_.emplace(overlay::Settings{.node = "worker1"}, std::move(owned));
    api_ = make_api(
        *reconciler_, [this] { return source_; }, metrics_);
    reconciler_->take(example::nodes());
    reconciler_->take(example::change_of(example::gold()));
  }
  json::value get(const std::string& target, unsigned status = 200) {
    const auto response = api_({.method = "GET", .target = target});
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.content_type, "application/json");
    return json::parse(response.body);
  }
  /// The element of `items` whose `key` is `wanted`.
  static const json::value& item(const json::value& answer, std::string_view key,
                                 const json::value& wanted) {
    static const json::value kNone;
    for (const auto& element : answer.at("items").as_array())
      if (element.at(key) == wanted) return element;
    ADD_FAILURE() << "no item with " << key << " " << json::serialize(wanted) << " in "
                  << json::serialize(answer);
    return kNone;
  }

  dataplane::FakeDataplane* fake_ = nullptr;
  SourceState source_{.kind = "manifests", .place = "/etc/m", .loaded = true};
  std::optional<Reconciler> reconciler_;
  Metrics metrics_{false};
  HttpHandler api_;
};

TEST_F(ApiTest, HealthFollowsTheDataPlane) {
  EXPECT_EQ(get("/healthz", 503).at("healthy"), json::value(false));
  reconciler_->begin();
  EXPECT_EQ(get("/healthz"), json::parse(R"({"healthy": true, "reasons": []})"));
  fake_->fail_with(Error{"open", "netlink", "Operation not permitted"});
  reconciler_->reconcile(Reason::kDamage);
  EXPECT_EQ(get("/healthz", 503), json::parse(R"({"healthy": false,
    "reasons": ["open netlink: Operation not permitted"]})"));
}

TEST_F(ApiTest, ProbesTellAliveFromReadyAndReadyFromHealthy) {
  const auto tcp = make_metrics_api(
      *reconciler_, [this] { return source_; }, metrics_);
  const auto ready = [&] {
    const auto status = tcp({.method = "GET", .target = "/readyz"}).status;
    EXPECT_EQ(api_({.method = "GET", .target = "/readyz"}).status, status);
    return status;
  };
  EXPECT_EQ(ready(), 503U) << "nothing is in force yet";
  EXPECT_EQ(tcp({.method = "GET", .target = "/livez"}).status, 200U);
  reconciler_->begin();
  EXPECT_EQ(ready(), 200U);
  fake_->report_problems({{"route 172.16.2.0/26", {"add", "it", "exists", "remove the other"}}});
  reconciler_->reconcile(Reason::kDamage);
  EXPECT_EQ(get("/healthz", 503).at("healthy"), json::value(false));
  EXPECT_EQ(ready(), 200U) << "one object's problem stops no roll-out";
  fake_->fail_with(Error{"open", "netlink", "Operation not permitted"});
  reconciler_->reconcile(Reason::kDamage);
  EXPECT_EQ(ready(), 503U);
  EXPECT_EQ(get("/livez").at("alive"), json::value(true));
  EXPECT_EQ(tcp({.method = "GET", .target = "/readyz"}).body, R"({"ready":false})")
      << "reasons are not for the network";
}

TEST_F(ApiTest, AnApiServerThatIsAwayIsToldButStopsNothing) {
  source_ = {.kind = "kubernetes", .place = "https://[fd10::1]:6443"};
  source_.server = sources::ServerState{.url = source_.place, .error = "connection refused"};
  EXPECT_EQ(get("/healthz", 503).at("reasons").at(0).as_string(),
            "the objects of https://[fd10::1]:6443 could not be read yet (connection refused): "
            "what an earlier agent left keeps forwarding, unchanged; see `sextant status`");
  source_.loaded = true;
  EXPECT_EQ(get("/healthz", 503).at("reasons").at(0).as_string(),
            "what https://[fd10::1]:6443 says of node worker1 cannot be read: what an earlier "
            "agent left keeps forwarding, unchanged; see `sextant status`");
  reconciler_->begin();
  EXPECT_EQ(get("/healthz").at("healthy"), json::value(true)) << "forwarding goes on";
  source_.server->since = std::chrono::system_clock::time_point{};
  source_.server->ipam = "node";
  source_.server->requests = {{.verb = "list", .resource = "nodes", .code = 200, .count = 2},
                              {.verb = "list", .resource = "nodes", .code = 0, .count = 3}};
  source_.server->kinds = {{.kind = "Node",
                            .resource = "nodes",
                            .synced = true,
                            .objects = 3,
                            .lists = 2,
                            .watches = 4,
                            .error = "connection refused"}};
  EXPECT_EQ(get("/v1/status").at("source"), json::parse(R"({"kind": "kubernetes",
    "path": "https://[fd10::1]:6443", "loaded": true, "server": {
      "url": "https://[fd10::1]:6443", "reachable": false, "since": "1970-01-01T00:00:00.000Z",
      "error": "connection refused", "ipam": "node", "requests": 5, "kinds": [
        {"kind": "Node", "resource": "nodes", "installed": true, "synced": true, "objects": 3,
         "lists": 2, "watches": 4, "error": "connection refused"}]}})"));
}

TEST_F(ApiTest, StatusTellsWhoWhatAndEveryProblemWithItsReason) {
  fake_->set_capabilities({{"decapsulation", "End.DT6", "the kernel has no VRF device"}});
  fake_->report_problems({{"route 172.16.2.0/26", {"add", "it", "exists", "remove the other"}}});
  source_.findings = {
      {.severity = sources::Severity::kWarning,
       .problem = {{"SRv6Policy", "gold"}, "policies.yaml:7", "spec.colour: unknown field"}}};
  reconciler_->begin();
  const auto status = get("/v1/status");
  EXPECT_EQ(status.at("node"), json::value("worker1"));
  EXPECT_EQ(status.at("healthy"), json::value(false));
  EXPECT_EQ(status.at("encapsulationSource"), json::value("fd11::1000"));
  EXPECT_EQ(status.at("locator"), json::value("fcdd:0:0:11aa::/64"));
  EXPECT_EQ(status.at("overlayAddresses").as_array().size(), 2U);
  EXPECT_EQ(status.at("podPrefixes").as_array().size(), 2U);
  EXPECT_EQ(status.at("counts").at("nodes"), json::value(2));
  EXPECT_EQ(status.at("counts").at("policies"), json::value(2)) << "one a family";
  EXPECT_EQ(status.at("dataplane"), json::parse(R"({"name": "fake", "capabilities": [
    {"name": "decapsulation", "choice": "End.DT6", "reason": "the kernel has no VRF device"}]})"));
  EXPECT_EQ(status.at("problems"), json::parse(R"([{"object": "SRv6Policy/gold",
    "location": "policies.yaml:7", "severity": "Warning",
    "reason": "spec.colour: unknown field"}])"));
  EXPECT_EQ(status.at("applyProblems"), json::parse(R"([{"object": "route 172.16.2.0/26",
    "operation": "add", "cause": "exists", "hint": "remove the other",
    "message": "add it: exists; remove the other"}])"));
  const auto& last = status.at("lastApply");
  EXPECT_EQ(last.at("kind"), json::value("reconcile"));
  EXPECT_TRUE(last.at("durationMicroseconds").is_int64());
  EXPECT_EQ(last.at("time").as_string().size(), std::string("2026-11-23T01:02:03.456Z").size());
}

TEST_F(ApiTest, SidsCarryCodePointsAndCounters) {
  const auto sid = srv6::Sid::parse("fcdd:0:0:11aa:13::").value();
  fake_->set_counters({.local_sids = {{sid, {.packets = 3, .bytes = 300}}}});
  const auto sids = get("/v1/sids");
  EXPECT_EQ(item(sids, "sid", json::value(sid.to_string())),
            json::parse(R"({"sid": "fcdd:0:0:11aa:13::", "behavior": "End.DT4", "codePoint": 19,
              "nextHop": null, "segmentLists": [], "packets": 3, "bytes": 300})"));
  const auto& binding = item(sids, "sid", "cafe::185");
  EXPECT_EQ(binding.at("packets"), json::value(nullptr)) << "not counted is not zero";
  EXPECT_FALSE(binding.at("segmentLists").as_array().empty());
  fake_->fail_with(Error{"read", "counters", "gone"});
  EXPECT_EQ(get("/v1/sids", 500), json::parse(R"({"error": "read counters: gone"})"));
}

TEST_F(ApiTest, PoliciesShowCandidatePathsAndWhatIsSteered) {
  const auto policies = get("/v1/policies");
  const auto& ipv4 = item(policies, "family", "IPv4");
  EXPECT_EQ(ipv4.at("color"), json::value(100));
  EXPECT_EQ(ipv4.at("endpoint"), json::value("fd12::1000"));
  EXPECT_EQ(ipv4.at("node"), json::value("worker2"));
  EXPECT_EQ(ipv4.at("bindingSID"), json::value("cafe::185"));
  EXPECT_EQ(ipv4.at("fallback"), json::value("Plain"));
  const auto& path = ipv4.at("candidatePaths").at(0);
  EXPECT_EQ(path.at("object"), json::value("SRv6Policy/gold"));
  EXPECT_EQ(path.at("name"), json::value("north"));
  EXPECT_EQ(path.at("preference"), json::value(100));
  EXPECT_EQ(path.at("protocolOrigin"), json::value(30));
  EXPECT_EQ(path.at("active"), json::value(true));
  EXPECT_EQ(path.at("segmentLists"),
            json::parse(R"([{"segments": ["fcff:6::1", "fcdd:0:0:12aa:13::"], "weight": 1}])"));
  EXPECT_NE(json::serialize(ipv4.at("steeredPrefixes")).find("172.16.2.0/26"), std::string::npos);
}

TEST_F(ApiTest, RoutesShowTheirTargetAndSegmentLists) {
  const auto routes = get("/v1/routes");
  const auto& pods = item(routes, "prefix", "172.16.2.0/26");
  EXPECT_EQ(pods, json::parse(R"({"prefix": "172.16.2.0/26", "scope": "All",
    "target": {"type": "Path", "endpoint": "fd12::1000", "color": 100, "family": "IPv4"},
    "segmentLists": [{"segments": ["fcff:6::1", "fcdd:0:0:12aa:13::"], "weight": 1}]})"));
  EXPECT_EQ(item(routes, "prefix", "172.16.1.0/26").at("target"),
            json::parse(R"({"type": "Unreachable"})"));
}

TEST_F(ApiTest, NodesShowTheirSidsWhichIsThisOneAndWhichAreRouters) {
  overlay::IntentChange change;
  change.nodes["r6"] =
      overlay::Node{.name = "r6", .sids = {.end = srv6::Sid::parse("fcff:6::1").value()}};
  reconciler_->take(change);
  const auto nodes = get("/v1/nodes");
  const auto& self = item(nodes, "name", "worker1");
  EXPECT_EQ(self.at("self"), json::value(true));
  EXPECT_EQ(self.at("role"), json::value("Node"));
  EXPECT_EQ(self.at("sids").at("dt4"), json::value("fcdd:0:0:11aa:13::"));
  EXPECT_EQ(self.at("locatorReach"), json::value("Fabric"));
  const auto& router = item(nodes, "name", "r6");
  EXPECT_EQ(router.at("role"), json::value("Router"));
  EXPECT_EQ(router.at("sids"), json::parse(R"({"end": "fcff:6::1"})"));
  EXPECT_EQ(router.at("locator"), json::value(nullptr));
}

TEST_F(ApiTest, TraceTellsWhatBothHeadendsDoAndWhy) {
  const auto trace = get("/v1/trace?source=172.16.1.2&destination=172.16.2.2");
  EXPECT_EQ(trace.at("node"), json::value("worker1"));
  EXPECT_EQ(trace.at("source"),
            json::parse(R"({"address": "172.16.1.2", "node": "worker1", "pod": true})"));
  const auto& forward = trace.at("forward");
  EXPECT_EQ(forward.at("headend"), json::value("worker1"));
  EXPECT_EQ(forward.at("outcome"), json::value("Path"));
  EXPECT_EQ(forward.at("reason"), json::value("the only policy for IPv4 towards it"));
  EXPECT_EQ(forward.at("encapsulationSource"), json::value("fd11::1000"));
  EXPECT_EQ(forward.at("prefix"), json::value("172.16.2.0/26"));
  EXPECT_EQ(forward.at("policy").at("color"), json::value(100));
  EXPECT_EQ(forward.at("policy").at("candidatePath").at("object"), json::value("SRv6Policy/gold"));
  EXPECT_EQ(forward.at("policy").at("candidatePath").at("reason"),
            json::value("the only candidate path"));
  EXPECT_EQ(forward.at("segmentLists"),
            json::parse(R"([{"segments": ["fcff:6::1", "fcdd:0:0:12aa:13::"], "weight": 1}])"));
  EXPECT_EQ(trace.at("reverse").at("headend"), json::value("worker2"));
  EXPECT_EQ(trace.at("reverse").at("policy"), json::value(nullptr));
  const auto six = get("/v1/trace?source=worker1&destination=worker2&family=IPv6");
  EXPECT_EQ(six.at("destination"),
            json::parse(R"({"address": "fdfb:af47:32af:2::1", "node": "worker2", "pod": false})"));
}

TEST_F(ApiTest, TraceRefusesWhatItCannotAnswer) {
  for (const auto* query :
       {"", "?", "?source=172.16.1.2", "?source=&destination=", "?source=%zz&destination=worker2",
        "?source=worker1&destination=nobody", "?source=worker1&destination=worker2&family=7",
        "?source=worker1&destination=worker2&colour=1", "?source=8.8.8.8&destination=worker2"})
    EXPECT_TRUE(get(std::string("/v1/trace") + query, 400).as_object().contains("error")) << query;
}

TEST_F(ApiTest, ServesMetricsAndOnTcpNothingElse) {
  const auto tcp = make_metrics_api(
      *reconciler_, [this] { return source_; }, metrics_);
  for (const auto& handler : {api_, tcp}) {
    const auto response = handler({.method = "GET", .target = "/metrics"});
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_NE(response.body.find("\nsextant_healthy 0\n"), std::string::npos);
  }
  for (const auto* target : {"/", "/healthz", "/v1/status", "/v1/trace?x=y", "/metricsx"})
    EXPECT_EQ(tcp({.method = "GET", .target = target}).status, 404U) << target;
  EXPECT_EQ(tcp({.method = "POST", .target = "/metrics"}).status, 405U);
}

TEST_F(ApiTest, RefusesUnknownPathsAndOtherMethods) {
  for (const auto* target : {"/", "/v1", "/v1/", "/v1/status/", "/v1/statusx", "", "?", "/../x"})
    EXPECT_TRUE(get(target, 404).as_object().contains("error")) << target;
  for (const auto* method : {"POST", "PUT", "DELETE", "HEAD", "get", ""}) {
    const auto response = api_({.method = method, .target = "/v1/status"});
    EXPECT_EQ(response.status, 405U) << method;
    EXPECT_EQ(response.allow, "GET");
  }
  EXPECT_EQ(get("/v1/status?verbose=1").at("node"), json::value("worker1"));
}

}  // namespace
}  // namespace sextant::agent
