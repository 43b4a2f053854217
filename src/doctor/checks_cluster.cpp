#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/cluster.h"

namespace sextant::doctor {
namespace {

constexpr auto kCrds = "kubectl apply -k deploy/crds, of this version";
constexpr auto kRbac = "kubectl apply -k of the overlay that is in use, of this version";

void check_server(Findings& findings, const ApiServer& server) {
  if (server.reachable)
    findings.push_back({Verdict::kOk, "API server", server.url, "answers"});
  else
    findings.push_back(
        {Verdict::kWarn, "API server", server.url,
         server.error.empty() ? "does not answer" : server.error,
         "forwarding goes on with what is known, but no edit and no new node is followed",
         "is it up, and does this node reach it? kubectl get --raw /readyz"});
}

void check_kind(Findings& findings, const FollowedKind& kind) {
  const bool own = kind.resource.ends_with(".sextant.dev");
  if (!kind.installed && own)
    findings.push_back({Verdict::kFail, "custom resources", kind.resource,
                        "the API server does not know it",
                        "objects of this kind cannot be made, and agents cannot report", kCrds});
  else if (!kind.error.empty())
    findings.push_back({Verdict::kFail, "Kubernetes objects", kind.kind, kind.error,
                        "changes of these objects are not followed",
                        kind.error.find("403") != std::string::npos ? kRbac : "sextant status"});
}

}  // namespace

Findings check_cluster(const AgentFacts& agent, const ClusterFacts& cluster) {
  Findings findings;
  if (!agent.reachable() || !agent.server) return findings;
  check_server(findings, *agent.server);
  for (const auto& kind : agent.server->kinds)
    if (agent.server->reachable) check_kind(findings, kind);
  if (!agent.locator)
    findings.push_back({Verdict::kFail, "locator", "node " + agent.node, "none",
                        "other nodes have no SID to reach this node's pods by",
                        "kubectl annotate node " + agent.node +
                            " sextant.dev/locator=PREFIX, or agents with --locator-pool; kubectl "
                            "describe srv6node " +
                            agent.node + " tells why no claim was made"});
  if (!cluster.asked) return findings;
  if (!cluster.denied.empty())
    findings.push_back({Verdict::kFail, "RBAC", "the agent's service account",
                        fmt::format("may not {}", fmt::join(cluster.denied, ", ")),
                        "what it may not read is not in force; what it may not write, nobody sees",
                        kRbac});
  else
    findings.push_back({Verdict::kOk, "RBAC", "the agent's service account", "may do its work"});
  if (cluster.tainted)
    findings.push_back({Verdict::kWarn, "taint", "node " + agent.node,
                        "sextant.dev/not-ready is there",
                        "no pods are scheduled here; the agent removes it when the node forwards",
                        "sextant status says what is missing"});
  if (cluster.network_unavailable)
    findings.push_back({Verdict::kFail, "condition", "node " + agent.node,
                        "NetworkUnavailable is True", "Kubernetes keeps pods off the node",
                        "kubectl describe node " + agent.node + " has the reason"});
  return findings;
}

}  // namespace sextant::doctor
