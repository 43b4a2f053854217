// Packet filters that would drop what pods send, or what carries it.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "doctor/checks.h"

namespace sextant::doctor {
namespace {

// RFC 2473 and RFC 8754: what an outer packet carries behind its IPv6 header.
constexpr unsigned kIpv4 = 4, kIpv6 = 41, kRouting = 43;

bool names_device(const std::set<std::string>& devices, std::string_view name) {
  return std::any_of(devices.begin(), devices.end(), [name](const std::string& device) {
    if (device == name) return true;
    if (!device.ends_with('*')) return false;
    const auto stem = std::string_view(device).substr(0, device.size() - 1);
    return name.starts_with(stem);
  });
}

/// Whether the rule takes some packets of pods beyond replies: it names our devices or pods'
/// prefixes, or names nothing at all.
bool is_for_pods(const FirewallRule& rule, const AgentFacts& agent) {
  if (rule.narrow || !rule.protocols.empty() || rule.routing_header || rule.reverse_path)
    return false;
  if (!rule.devices.empty())
    return names_device(rule.devices, "sextant0") || names_device(rule.devices, "sxp0");
  if (rule.prefixes.empty()) return true;
  return std::any_of(rule.prefixes.begin(), rule.prefixes.end(), [&agent](const IpPrefix& named) {
    const auto overlaps = [&named](const IpPrefix& pods) { return named.overlaps(pods); };
    return std::any_of(agent.pod_prefixes.begin(), agent.pod_prefixes.end(), overlaps);
  });
}

/// Follows jumps. A cluster's proxy may have made 10,000 chains: nothing here is quadratic.
class Reader {
 public:
  Reader(const Firewall& firewall, const AgentFacts& agent) : agent_(agent) {
    for (const auto& chain : firewall.chains) by_title_.emplace(chain.title(), &chain);
    for (const auto& chain : firewall.chains) {
      if (!chain.hook.empty()) spread(chain, chain.hook);
    }
  }

  /// Whether pods' packets are let through somewhere in the chain or where it jumps to.
  [[nodiscard]] bool allows_pods(const FirewallChain& chain) const {
    std::set<const FirewallChain*> seen{&chain};
    std::vector<const FirewallChain*> open{&chain};
    while (!open.empty()) {
      const auto& next = *open.back();
      open.pop_back();
      for (const auto& rule : next.rules) {
        if (rule.fate == Fate::kAccept && is_for_pods(rule, agent_)) return true;
        const auto* jump = target(next, rule);
        if (jump != nullptr && seen.insert(jump).second) open.push_back(jump);
      }
    }
    return false;
  }

  /// The hooks from which the chain is reached.
  [[nodiscard]] std::set<std::string> hooks_of(const FirewallChain& chain) const {
    const auto found = hooks_.find(&chain);
    return found == hooks_.end() ? std::set<std::string>{} : found->second;
  }

 private:
  [[nodiscard]] const FirewallChain* target(const FirewallChain& from,
                                            const FirewallRule& rule) const {
    if (rule.fate != Fate::kJump) return nullptr;
    const auto found = by_title_.find(from.family + " " + from.table + " " + rule.target);
    return found == by_title_.end() ? nullptr : found->second;
  }

  void spread(const FirewallChain& from, const std::string& hook) {
    std::vector<const FirewallChain*> open{&from};
    while (!open.empty()) {
      const auto& chain = *open.back();
      open.pop_back();
      if (!hooks_[&chain].insert(hook).second) continue;
      for (const auto& rule : chain.rules)
        if (const auto* jump = target(chain, rule)) open.push_back(jump);
    }
  }

  const AgentFacts& agent_;
  std::unordered_map<std::string, const FirewallChain*> by_title_;
  std::unordered_map<const FirewallChain*, std::set<std::string>> hooks_;
};

bool concerns(const FirewallChain& chain, Family family) {
  return chain.family == "inet" || chain.family == (family == Family::kIpv4 ? "ip" : "ip6");
}

void check_policy(Findings& findings, const Reader& reader, const FirewallChain& chain,
                  const AgentFacts& agent) {
  const auto used = [&](Family family) {
    return concerns(chain, family) && (!agent.reachable() || agent.has_pods_of(family));
  };
  const bool wanted = used(Family::kIpv4) || used(Family::kIpv6);
  if (chain.hook != "forward" || !chain.drops_by_policy || !wanted) return;
  if (reader.allows_pods(chain)) return;
  // The one chain that both worlds call so belongs to iptables.
  const bool nft = chain.table != "filter" || chain.name != "FORWARD" || chain.family == "inet";
  const auto tool = chain.family == "ip6" ? "ip6tables" : "iptables";
  findings.push_back(
      {Verdict::kFail, "firewall", chain.title(), "policy drop, and no rule lets pods through",
       "packets between pods and the overlay are forwarded ones: this chain drops them",
       nft ? fmt::format("nft 'insert rule {0} iifname {{ \"sextant0\", \"sxp*\" }} accept'; nft "
                         "'insert rule "
                         "{0} oifname {{ \"sextant0\", \"sxp*\" }} accept'",
                         chain.title())
           : fmt::format("{0} -I FORWARD -i sextant0 -j ACCEPT; {0} -I FORWARD -o sextant0 -j "
                         "ACCEPT; {0} -I FORWARD -i sxp+ -j ACCEPT",
                         tool)});
}

void check_rule(Findings& findings, const Reader& reader, const FirewallChain& chain,
                const FirewallRule& rule) {
  if (rule.fate != Fate::kDrop || chain.family == "ip") return;  // outer packets are IPv6
  const bool carries = rule.protocols.contains(kIpv4) || rule.protocols.contains(kIpv6) ||
                       rule.protocols.contains(kRouting);
  const auto hooks = reader.hooks_of(chain);
  if (rule.routing_header || carries) {
    // From Ethernet uplinks packets are taken at ingress, before these hooks; they leave as output.
    const bool hit = hooks.contains("output") || hooks.contains("postrouting") ||
                     hooks.contains("ingress") || hooks.contains("egress");
    findings.push_back(
        {hit ? Verdict::kFail : Verdict::kWarn, "firewall", chain.title(),
         rule.routing_header ? "a rule drops packets with a routing header"
                             : "a rule drops IP in IPv6 (protocol 4, 41 or 43)",
         hit ? "packets of the overlay with such a header are dropped on this node: all of them "
               "where there is no fast path, else those that it leaves alone"
             : "where an uplink is no Ethernet device its packets cross this chain",
         "nft -a list ruleset; take the rule out, or limit it to devices that are no uplink"});
  }
  if (rule.reverse_path && (hooks.contains("prerouting") || hooks.contains("input"))) {
    findings.push_back(
        {Verdict::kWarn, "firewall", chain.title(),
         "a rule drops IPv6 whose route back leads elsewhere (strict reverse path)",
         "with several uplinks outer packets may come in by another one; from the overlay come "
         "packets of other nodes' own addresses, whose route back is the underlay",
         "firewalld: IPv6_rpfilter=loose in /etc/firewalld/firewalld.conf; else except sextant0 "
         "from it"});
  }
}

}  // namespace

Findings check_firewall(const Firewall& firewall, const AgentFacts& agent) {
  Findings findings;
  if (!firewall.unread.empty())
    findings.push_back({Verdict::kWarn, "firewall", "this node",
                        "not looked at: " + firewall.unread, "a filter may drop what pods send",
                        "sudo sextant doctor"});
  const Reader reader(firewall, agent);
  for (const auto& chain : firewall.chains) {
    check_policy(findings, reader, chain, agent);
    for (const auto& rule : chain.rules) check_rule(findings, reader, chain, rule);
  }
  if (findings.empty())
    findings.push_back(
        {Verdict::kOk, "firewall", "this node",
         fmt::format("{} chains of others, none in the way", firewall.chains.size())});
  return findings;
}

}  // namespace sextant::doctor
