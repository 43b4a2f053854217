#include "doctor/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::doctor {
namespace {

AgentFacts agent_of_a_cluster() {
  AgentFacts agent;
  agent.node = "worker1";
  agent.locator = IpPrefix::parse("fcbb:0:1::/48").value();
  agent.server = ApiServer{
      .url = "https://[fd00::1]:6443",
      .reachable = true,
      .kinds = {
          {.kind = "SRv6Node", .resource = "srv6nodes.sextant.dev"},
          {.kind = "IPPool", .resource = "ippools.crd.projectcalico.org", .installed = false}}};
  return agent;
}

const Finding* problem(const Findings& findings, const std::string& check) {
  const auto found = std::ranges::find_if(findings, [&](const Finding& finding) {
    return finding.check == check && finding.verdict != Verdict::kOk;
  });
  return found == findings.end() ? nullptr : &*found;
}

TEST(CheckCluster, SaysNothingWhereTheAgentReadsManifests) {
  auto agent = agent_of_a_cluster();
  agent.server.reset();
  EXPECT_TRUE(check_cluster(agent, {}).empty());
}

TEST(CheckCluster, IsContentWithoutCalico) {
  for (const auto& finding : check_cluster(agent_of_a_cluster(), {.asked = true}))
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.found;
}

TEST(CheckCluster, FindsWhatIsMissing) {
  auto agent = agent_of_a_cluster();
  agent.server->kinds[0].installed = false;
  EXPECT_NE(problem(check_cluster(agent, {}), "custom resources"), nullptr);
  agent = agent_of_a_cluster();
  agent.server->kinds[0].error = "list srv6nodes.sextant.dev: HTTP 403: forbidden";
  const auto findings = check_cluster(agent, {});
  ASSERT_NE(problem(findings, "Kubernetes objects"), nullptr);
  EXPECT_NE(problem(findings, "Kubernetes objects")->mend.find("overlay"), std::string::npos);
  agent.server->reachable = false;
  EXPECT_EQ(problem(check_cluster(agent, {}), "API server")->verdict, Verdict::kWarn);
  agent.locator.reset();
  EXPECT_NE(problem(check_cluster(agent, {}), "locator"), nullptr);
}

TEST(CheckCluster, TellsWhatTheApiServerSaysOfTheNode) {
  const auto findings = check_cluster(agent_of_a_cluster(), {.asked = true,
                                                             .denied = {"patch nodes/status"},
                                                             .tainted = true,
                                                             .network_unavailable = true});
  EXPECT_EQ(problem(findings, "RBAC")->found, "may not patch nodes/status");
  EXPECT_NE(problem(findings, "taint"), nullptr);
  EXPECT_NE(problem(findings, "condition"), nullptr);
}

TEST(CheckCluster, ReadsTheAgentsAnswer) {
  const auto facts = parse_agent(
      R"({"node":"n1","source":{"kind":"kubernetes","server":{"url":"https://a","reachable":false,"error":"refused","ipam":"calico",)"
      R"("kinds":[{"kind":"Node","resource":"nodes","installed":true,"error":""},7]}}})",
      R"({"items":[]})", R"({"items":[]})");
  ASSERT_TRUE(facts.server);
  EXPECT_EQ(facts.server->error, "refused");
  EXPECT_FALSE(facts.server->reachable);
  EXPECT_TRUE(facts.server->calico_ipam);
  EXPECT_EQ(facts.server->kinds.front().resource, "nodes");
  EXPECT_FALSE(parse_agent(R"({"source":{"kind":"manifests","server":null}})", "{}", "{}").server);
}

}  // namespace
}  // namespace sextant::doctor
