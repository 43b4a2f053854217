// Who else makes routes and pods on this node.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <unordered_map>

#include "doctor/checks.h"

namespace sextant::doctor {
namespace {

constexpr std::size_t kRoutesShown = 5;
constexpr std::string_view kCalicoTunnel = "vxlan.calico";

/// The last value of a key of networkd.conf's [Network] section; empty where nobody sets it.
std::string networkd_setting(const std::vector<std::string>& texts, std::string_view key) {
  std::string value;
  for (const auto& text : texts) {
    std::istringstream lines(text);
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
      std::erase_if(line, [](char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; });
      if (line.starts_with('[')) inside = line == "[Network]";
      if (inside && line.starts_with(std::string(key) + "=")) value = line.substr(key.size() + 1);
    }
  }
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return value;
}

bool is_off(const std::string& value) {
  return value == "no" || value == "false" || value == "off" || value == "0";
}

void check_networkd(Findings& findings, const OwnerFacts& owners) {
  std::vector<std::string> on;
  for (const auto* key : {"ManageForeignRoutes", "ManageForeignRoutingPolicyRules"})
    if (!is_off(networkd_setting(owners.networkd, key))) on.emplace_back(key);
  if (on.empty()) {
    findings.push_back({Verdict::kOk, "route owners", "systemd-networkd",
                        "runs, and leaves routes and rules of others alone"});
    return;
  }
  findings.push_back(
      {Verdict::kWarn, "route owners", "systemd-networkd",
       fmt::format("runs with {}", fmt::join(on, "=yes, ")) + "=yes",
       "when it starts or reloads it deletes routes and rules of others, Sextant's too; the agent "
       "restores them at once, but packets are lost meanwhile",
       "in /etc/systemd/networkd.conf.d/sextant.conf: [Network], ManageForeignRoutes=no, "
       "ManageForeignRoutingPolicyRules=no; systemctl restart systemd-networkd"});
}

void check_process(Findings& findings, const OwnerFacts& owners, const ProcessFact& process) {
  if (process.name == "systemd-networkd") {
    check_networkd(findings, owners);
  } else if (process.name == "NetworkManager") {
    if (owners.network_manager_ignores) {
      findings.push_back({Verdict::kOk, "route owners", process.name,
                          "runs, and leaves Sextant's devices unmanaged"});
      return;
    }
    findings.push_back(
        {Verdict::kWarn, "route owners", process.name,
         "runs, and nothing tells it to leave Sextant's devices alone",
         "a device that it manages may lose its addresses and routes",
         "in /etc/NetworkManager/conf.d/sextant.conf: [keyfile], "
         "unmanaged-devices=interface-name:sextant*;interface-name:sxp*; systemctl reload "
         "NetworkManager"});
  } else {
    findings.push_back({Verdict::kOk, "route owners",
                        fmt::format("{} (process {})", process.name, process.pid),
                        "runs; it deletes routes of its own protocol only"});
  }
}

bool under_calico(const AgentFacts& agent) { return agent.server && agent.server->calico_ipam; }

/// Under Calico the pods' devices are as they should be, and its tunnel is not.
void check_other_devices(Findings& findings, const OwnerFacts& owners, const AgentFacts& agent) {
  auto others = owners.other_devices;
  const bool calico = under_calico(agent);
  if (calico && std::erase(others, kCalicoTunnel) != 0)
    findings.push_back({Verdict::kWarn, "other CNI", std::string(kCalicoTunnel),
                        "Calico's own encapsulation is on",
                        "its routes to other nodes' pods come before Sextant's",
                        "kubectl patch felixconfiguration default --type merge -p "
                        "'{\"spec\": {\"vxlanEnabled\": false}}'"});
  if (calico)
    std::erase_if(others, [](const auto& name) { return name.starts_with(kCalicoPodPrefix); });
  if (!others.empty())
    findings.push_back({Verdict::kWarn, "other CNI", fmt::format("{}", fmt::join(others, ", ")),
                        "devices of another pod network",
                        "two owners of pods' addresses and routes get into each other's way",
                        "uninstall the other one, then ip link delete what it left"});
}

/// Routes of others that take packets for other nodes' pods away from the overlay.
void check_routes(Findings& findings, const OwnerFacts& owners, const AgentFacts& agent) {
  std::unordered_map<IpPrefix, const PeerNode*> owners_of;
  // Pods here, some with an address out of another node's block: theirs are routes of whoever wires
  // them.
  for (const auto& pods : agent.pod_prefixes) owners_of.emplace(pods, nullptr);
  for (const auto& peer : agent.peers)
    for (const auto& pods : peer.pod_prefixes) owners_of.emplace(pods, &peer);
  // By each prefix that holds the route's: a table may have 100,000 routes.
  const auto owner_of = [&owners_of](const IpPrefix& route) -> const PeerNode* {
    for (int length = route.length(); length >= 0; --length) {
      const auto found =
          owners_of.find(IpPrefix(route.address(), static_cast<std::uint8_t>(length)));
      if (found != owners_of.end()) return found->second;
    }
    return nullptr;
  };
  std::vector<const RouteFact*> taken;
  const PeerNode* of = nullptr;
  for (const auto& route : owners.routes) {
    const auto* owner = owner_of(route.destination);
    if (owner == nullptr) continue;
    taken.push_back(&route);
    of = owner;
  }
  for (std::size_t i = 0; i < taken.size() && i < kRoutesShown; ++i)
    findings.push_back({Verdict::kFail, "routes", taken[i]->destination.to_string(),
                        "somebody else's route: " + taken[i]->text,
                        "packets for these pods do not take the overlay: the longer prefix or the "
                        "smaller metric wins",
                        "ip route del " + taken[i]->text + ", and stop what makes it"});
  if (taken.size() > kRoutesShown)
    findings.push_back({Verdict::kFail, "routes", of->name + " and others",
                        fmt::format("{} more such routes", taken.size() - kRoutesShown),
                        "packets for these pods do not take the overlay",
                        "ip route show table main; stop what makes them"});
  if (taken.empty() && agent.reachable())
    findings.push_back(
        {Verdict::kOk, "routes", "pods of other nodes",
         fmt::format("no route of anybody else leads there ({} looked at)", owners.routes.size())});
}

void check_pod_mtu(Findings& findings, const CniFacts& cni, bool calico) {
  std::vector<std::string> big;
  for (const auto& [name, mtu] : cni.pod_devices)
    if (cni.pod_mtu != 0 && mtu > cni.pod_mtu && name.starts_with(kCalicoPodPrefix) == calico)
      big.push_back(name);
  if (big.empty()) return;
  const auto count = big.size();
  if (count > 3) big.resize(3);
  findings.push_back(
      {Verdict::kWarn, "pod MTU",
       fmt::format("{}{}", fmt::join(big, ", "), count > 3 ? ", ..." : ""),
       fmt::format("{} pods have more than {}", count, cni.pod_mtu),
       std::string(calico ? "Calico knows nothing of the outer headers"
                          : "the underlay's MTU or maxSegments changed since they were made") +
           ": what is too big is answered with ICMP, and pods that ignore that hang",
       calico ? fmt::format("set Calico's MTU of pods to {} (veth_mtu in its ConfigMap "
                            "calico-config, or spec.calicoNetwork.mtu of the operator's "
                            "Installation), then restart these pods",
                            cni.pod_mtu)
              : "restart these pods"});
}

}  // namespace

Findings check_route_owners(const OwnerFacts& owners, const AgentFacts& agent) {
  Findings findings;
  check_routes(findings, owners, agent);
  for (const auto& process : owners.processes) check_process(findings, owners, process);
  check_other_devices(findings, owners, agent);
  return findings;
}

Findings check_cni(const CniFacts& cni, const AgentFacts& agent) {
  Findings findings;
  if (!cni.here) {
    findings.push_back({Verdict::kOk, "CNI", "this node",
                        "not looked at: a network namespace beside the machine's own"});
  } else if (under_calico(agent)) {
    findings.push_back(
        {Verdict::kOk, "CNI", "this node", "not looked at: Calico has the pods' addresses"});
  } else {
    const auto own = std::find_if(cni.configs.begin(), cni.configs.end(),
                                  [](const footprint::CniConfig& config) { return config.own; });
    const auto folder = cni.config_folder.string();
    if (own == cni.configs.end()) {
      findings.push_back({Verdict::kWarn, "CNI", folder, "no configuration names sextant-cni",
                          "the runtime gives pods no place in the overlay",
                          "write " + folder + "/10-sextant.conflist: docs/reference-cni.md"});
    } else if (!own->damage.empty()) {
      findings.push_back({Verdict::kFail, "CNI", own->path.string(), own->damage,
                          "the runtime cannot read it, so no pod starts",
                          "write it anew: docs/reference-cni.md"});
    } else if (own != cni.configs.begin()) {
      findings.push_back(
          {Verdict::kFail, "CNI", cni.configs.front().path.string(),
           "comes before " + own->path.filename().string(),
           "the runtime takes the first file by name: pods do not get sextant-cni",
           "rm " + cni.configs.front().path.string() + ", or give ours a smaller number"});
    } else {
      findings.push_back({Verdict::kOk, "CNI", own->path.string(), "first by name, readable"});
    }
    if (own != cni.configs.end() && own->damage.empty() && agent.reachable()) {
      const auto depth = own->max_segments.value_or(6);
      if (depth != agent.max_segments)
        findings.push_back(
            {Verdict::kFail, "CNI", own->path.string(),
             fmt::format("maxSegments {}, the agent has {}", depth, agent.max_segments),
             "pods' MTU does not fit the longest segment list that the agent installs",
             fmt::format("set maxSegments to {}, or sextantd --max-segments {}", agent.max_segments,
                         depth)});
    }
    const bool configured = own != cni.configs.end();
    if (cni.program.empty()) {
      findings.push_back({configured ? Verdict::kFail : Verdict::kWarn, "CNI", "sextant-cni",
                          fmt::format("not in {}", fmt::join(cni.program_folders, ", ")),
                          "the runtime cannot attach pods without it",
                          "install -m755 sextant-cni /opt/cni/bin/"});
    } else if (!cni.program_runs) {
      findings.push_back({Verdict::kFail, "CNI", cni.program, "not executable",
                          "the runtime cannot attach pods without it", "chmod 755 " + cni.program});
    } else {
      findings.push_back({Verdict::kOk, "CNI", cni.program, "installed"});
    }
  }
  check_pod_mtu(findings, cni, under_calico(agent));
  return findings;
}

}  // namespace sextant::doctor
