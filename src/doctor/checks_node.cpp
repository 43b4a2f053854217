// The agent, the kernel, the gateway, what was left behind.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/checks.h"

namespace sextant::doctor {
namespace {

constexpr std::size_t kProblemsShown = 10;
constexpr auto kStart = "systemctl start sextantd (in a cluster its DaemonSet starts it)";
constexpr auto kRestart =
    "systemctl restart sextantd (in a cluster: kubectl delete the agent's pod)";

std::string shown_path(const std::string& netns) {
  return netns == "sextant" ? "ip netns exec sextant" : "ip netns exec " + netns;
}

}  // namespace

Findings check_agent(const AgentFacts& agent) {
  if (!agent.reachable())
    return {{Verdict::kFail, "agent", "sextantd", agent.unreachable,
             "forwarding stays as the last agent left it: no change of a policy, a node or an "
             "uplink is followed; peers and policies are not checked",
             agent.hint}};
  Findings findings;
  if (agent.healthy) {
    findings.push_back(
        {Verdict::kOk, "agent", "node " + agent.node, "running, everything wanted is in force"});
  } else {
    findings.push_back({Verdict::kFail, "agent", "node " + agent.node,
                        agent.reasons.empty()
                            ? "unhealthy"
                            : fmt::format("unhealthy: {}", fmt::join(agent.reasons, "; ")),
                        "something that is wanted is not in force", "sextant status"});
  }
  for (std::size_t i = 0; i < agent.apply_problems.size() && i < kProblemsShown; ++i) {
    const auto& [object, cause, hint] = agent.apply_problems[i];
    findings.push_back({Verdict::kFail, "data plane", object, cause,
                        "this object does not forward; the agent tries it again",
                        hint.empty() ? "sextant status" : hint});
  }
  if (agent.apply_problems.size() > kProblemsShown)
    findings.push_back(
        {Verdict::kFail, "data plane", "more objects",
         fmt::format("{} more problems", agent.apply_problems.size() - kProblemsShown),
         "these objects do not forward", "sextant status"});
  if (!agent.no_fast_path.empty())
    findings.push_back({Verdict::kWarn, "data plane", "fast path", "none: " + agent.no_fast_path,
                        "packets take the longer way through the gateway, and fewer a second pass",
                        "a kernel from 5.10 on with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF and "
                        "CONFIG_NET_SCH_INGRESS; then restart sextantd"});
  for (const auto& [topic, cause, hint] : agent.bgp_problems) {
    const bool listens_not = topic == "listen";
    findings.push_back(
        {listens_not ? Verdict::kFail : Verdict::kWarn, "BGP", topic, cause,
         listens_not ? "peers that do not take this node's connections have no session with it"
                     : "sessions are missing, or are not as they are wanted",
         listens_not ? "ss -Hltnp 'sport = :179' tells who has the port; another port or address, "
                       "or listen: [], in the file of --bgp (docs/reference-bgp.md, Port 179)"
                     : "sextant bgp peers"});
  }
  if (agent.source_problems > 0)
    findings.push_back({Verdict::kWarn, "manifests", "node " + agent.node,
                        fmt::format("{} problems", agent.source_problems),
                        "what is wrong is not in force, or its last good form is",
                        "sextant status"});
  return findings;
}

Findings check_system(const SystemFacts& system) {
  Findings findings;
  if (system.missing_privilege.empty()) {
    findings.push_back({Verdict::kOk, "privileges", "this process", "root or enough of it"});
  } else {
    findings.push_back({Verdict::kWarn, "privileges", "this process", system.missing_privilege,
                        "the doctor sees less without, and sextantd cannot run so",
                        "sudo sextant doctor"});
  }
  std::vector<std::string> works;
  for (const auto& feature : system.features) {
    if (feature.error.empty()) {
      works.push_back(feature.name);
    } else if (feature.required) {
      findings.push_back(
          {Verdict::kFail, "kernel", feature.name, feature.error, "the data plane needs it",
           "a kernel with " + feature.option + ", its module installed and allowed"});
    } else {
      findings.push_back({Verdict::kOk, "kernel", feature.name,
                          "not there (" + feature.error + "); Sextant does without"});
    }
  }
  if (!works.empty())
    findings.push_back(
        {Verdict::kOk, "kernel", "features", fmt::format("{}", fmt::join(works, ", "))});
  return findings;
}

Findings check_gateway(const GatewayFacts& gateway, const AgentFacts& agent) {
  if (gateway.stale_name)
    return {{Verdict::kFail, "gateway", gateway.name,
             "its name is in /run/netns, the namespace is gone",
             "nothing is encapsulated or decapsulated; a running agent makes it anew", kRestart}};
  if (!gateway.present)
    return {{agent.reachable() ? Verdict::kFail : Verdict::kWarn, "gateway", gateway.name,
             "there is no such network namespace",
             "nothing is encapsulated or decapsulated on this node",
             agent.reachable() ? "sextant status" : kStart}};
  Findings findings;
  const auto look = [&](const std::vector<DeviceFacts>& devices, std::string_view name,
                        const std::string& where) {
    for (const auto& device : devices) {
      if (device.name != name) continue;
      if (!device.up)
        findings.push_back({Verdict::kFail, "gateway", device.name, "down",
                            "packets pass through it between host and gateway",
                            where + "ip link set " + device.name + " up"});
      return;
    }
    findings.push_back({Verdict::kFail, "gateway", std::string(name), "missing",
                        "packets pass through it between host and gateway", kRestart});
  };
  const auto inside = shown_path(gateway.name) + " ";
  look(gateway.host, "sextant0", "");
  look(gateway.host, "sextant1", "");
  look(gateway.gateway, "inner", inside);
  look(gateway.gateway, "outer", inside);
  if (findings.empty())
    findings.push_back({Verdict::kOk, "gateway", gateway.name, "present, all four links up"});
  return findings;
}

Findings check_leftovers(const footprint::Inventory& found) {
  using footprint::Kind;
  if (found.agent) return {{Verdict::kOk, "leftovers", "this node", "none: an agent owns it all"}};
  std::vector<std::string> left;
  for (const auto kind : {Kind::kDevice, Kind::kNamespace, Kind::kRoutes, Kind::kRule,
                          Kind::kNftTable, Kind::kTcProgram, Kind::kPodDevice})
    for (const auto& name : found.names(kind))
      left.push_back(std::string(footprint::to_string(kind)) + " " + name);
  if (left.empty()) return {{Verdict::kOk, "leftovers", "this node", "none"}};
  const auto count = left.size();
  if (count > 4) left.resize(4);
  return {{Verdict::kWarn, "leftovers", "this node",
           fmt::format("{} objects of an agent that does not run: {}{}", count,
                       fmt::join(left, ", "), count > 4 ? ", ..." : ""),
           "they forward as they were left, and nobody repairs them",
           "sextantd adopts them when it is started; sextant uninstall removes them"}};
}

}  // namespace sextant::doctor
