// Kernel parameters that forwarding stands on.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "doctor/checks.h"

namespace sextant::doctor {
namespace {

using Values = std::map<std::string, std::string>;

/// None where the kernel has no such parameter.
std::optional<long long> number(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  long long value = 0;
  const auto& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// For people: "net.ipv4.ip_forward"; a device with a dot in its name keeps the slashes.
std::string dotted(std::string name) {
  if (name.find('.') == std::string::npos) std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

Finding wrong(Verdict verdict, const std::string& name, long long is, std::string why,
              std::string_view wanted, const std::string& where = {}) {
  const auto shown = dotted(name);
  return {verdict,        "sysctl",
          shown,          std::to_string(is),
          std::move(why), fmt::format("{}sysctl -w {}={}", where, shown, wanted)};
}

void check_forwarding(Findings& findings, const SysctlFacts& facts, const AgentFacts& agent) {
  struct Row {
    const char* name;
    Family family;
  };
  for (const auto& [name, family] : {Row{"net/ipv4/ip_forward", Family::kIpv4},
                                     Row{"net/ipv6/conf/all/forwarding", Family::kIpv6}}) {
    const auto value = number(facts.host, name);
    if (!value || *value != 0) continue;
    // An agent that starts switches it on.
    const bool wanted = agent.reachable() && agent.has_pods_of(family);
    findings.push_back(wrong(wanted ? Verdict::kFail : Verdict::kWarn, name, *value,
                             fmt::format("no {} packet of a pod leaves or reaches this node",
                                         sextant::to_string(family)),
                             "1"));
  }
}

void check_ipv6_on_devices(Findings& findings, const SysctlFacts& facts) {
  auto devices = facts.uplinks;
  devices.insert(devices.end(), {"sextant0", "sextant1", "all"});
  for (const auto& device : devices) {
    const auto name = "net/ipv6/conf/" + device + "/disable_ipv6";
    if (const auto value = number(facts.host, name); value && *value != 0)
      findings.push_back(wrong(Verdict::kFail, name, *value,
                               "SRv6 packets are IPv6: none passes this device", "0"));
  }
}

void check_uplinks(Findings& findings, const SysctlFacts& facts) {
  const auto all = [&](const std::string& leaf) {
    return number(facts.host, "net/ipv6/conf/all/" + leaf);
  };
  const bool forwarding = all("forwarding").value_or(0) != 0;
  for (const auto& device : facts.uplinks) {
    const auto ipv6 = "net/ipv6/conf/" + device + "/";
    if (const auto value = number(facts.host, ipv6 + "accept_dad"); value && *value == 2)
      findings.push_back(wrong(Verdict::kWarn, ipv6 + "accept_dad", *value,
                               "one duplicate of the link-local address switches IPv6 off here, "
                               "and the overlay with it",
                               "1"));
    if (const auto value = number(facts.host, ipv6 + "accept_ra");
        value && *value == 1 && forwarding && facts.router_advertised_default)
      findings.push_back(wrong(Verdict::kWarn, ipv6 + "accept_ra", *value,
                               "a forwarding node with accept_ra=1 ignores Router Advertisements: "
                               "the default route that came by one will expire",
                               "2"));
    const auto enabled = number(facts.host, ipv6 + "seg6_enabled");
    if (enabled.value_or(0) != 0 && all("seg6_enabled").value_or(0) != 0)
      findings.push_back(wrong(Verdict::kWarn, ipv6 + "seg6_enabled", *enabled,
                               "each address of this node is a segment for anybody on the "
                               "underlay; local SIDs do not need it",
                               "0"));
    if (const auto value = number(facts.host, ipv6 + "seg6_require_hmac"); value && *value > 0)
      findings.push_back(wrong(Verdict::kWarn, ipv6 + "seg6_require_hmac", *value,
                               "segment lists of peers carry no HMAC: End.X SIDs on the host drop "
                               "their packets",
                               "0"));
  }
}

void check_rp_filter(Findings& findings, const SysctlFacts& facts) {
  const auto all = number(facts.host, "net/ipv4/conf/all/rp_filter").value_or(0);
  const auto look = [&](const std::string& device, Verdict verdict, std::string why) {
    const auto name = "net/ipv4/conf/" + device + "/rp_filter";
    const auto own = number(facts.host, name);
    if (own && std::max(*own, all) == 1)
      findings.push_back(wrong(verdict, name, 1, std::move(why), "2"));
  };
  look("sextant0", Verdict::kFail,
       "strict: IPv4 packets from other nodes' own addresses are dropped when they come out of "
       "the overlay");
  if (facts.uplinks.size() < 2) return;
  for (const auto& device : facts.uplinks)
    look(device, Verdict::kWarn,
         "strict, with several uplinks: IPv4 that comes in by another one than it would leave by "
         "is dropped");
}

void check_tables(Findings& findings, const SysctlFacts& facts) {
  const auto count = number(facts.host, "net/netfilter/nf_conntrack_count");
  const auto limit = number(facts.host, "net/netfilter/nf_conntrack_max");
  if (count && limit && *limit > 0 && *count * 10 >= *limit * 9)
    findings.push_back({*count >= *limit ? Verdict::kFail : Verdict::kWarn, "sysctl",
                        "net.netfilter.nf_conntrack_max",
                        fmt::format("{} of {} connections in use", *count, *limit),
                        "a full table drops the first packet of every new connection of pods",
                        fmt::format("sysctl -w net.netfilter.nf_conntrack_max={}", *limit * 2)});
  // Kernels from 6.3 on have no limit worth the name; before, it counted cached routes too.
  const auto routes = number(facts.host, "net/ipv6/route/max_size");
  if (routes && static_cast<long long>(facts.ipv6_routes) * 10 >= *routes * 9)
    findings.push_back({Verdict::kWarn, "sysctl", "net.ipv6.route.max_size",
                        fmt::format("{} routes, limit {}", facts.ipv6_routes, *routes),
                        "beyond the limit IPv6 packets are dropped with 'Network is unreachable'",
                        "sysctl -w net.ipv6.route.max_size=1048576"});
  const std::pair<const char*, std::size_t> tables[] = {
      {"net/ipv4/neigh/default/gc_thresh3", facts.neighbors[0]},
      {"net/ipv6/neigh/default/gc_thresh3", facts.neighbors[1]}};
  for (const auto& [name, used] : tables) {
    const auto most = number(facts.host, name);
    if (most && static_cast<long long>(used) * 10 >= *most * 9)
      findings.push_back({Verdict::kWarn, "sysctl", dotted(name),
                          fmt::format("{} neighbors, limit {}", used, *most),
                          "beyond the limit no new neighbor on the underlay is resolved",
                          fmt::format("sysctl -w {}={}", dotted(name), *most * 4)});
  }
}

void check_hooks_and_gateway(Findings& findings, const SysctlFacts& facts) {
  if (const auto hooks = number(facts.host, "net/netfilter/nf_hooks_lwtunnel");
      hooks.value_or(0) != 0)
    findings.push_back({Verdict::kWarn, "sysctl", "net.netfilter.nf_hooks_lwtunnel",
                        std::to_string(*hooks),
                        "Sextant does without: inner packets meet netfilter at sextant0; this "
                        "makes them meet hooks in the gateway too, and costs packet rate",
                        "reboot without it: the kernel cannot switch it off"});
  const std::string name = "net/ipv6/conf/outer/seg6_require_hmac";
  if (const auto value = number(facts.gateway, name); value && *value > 0)
    findings.push_back(wrong(Verdict::kFail, name, *value,
                             "segment lists of peers carry no HMAC: the local SIDs drop them", "0",
                             "ip netns exec sextant "));
}

}  // namespace

Findings check_sysctls(const SysctlFacts& facts, const AgentFacts& agent) {
  Findings findings;
  if (facts.uplinks.empty())
    findings.push_back({Verdict::kFail, "uplinks", "this node",
                        "no device is up with a global IPv6 address",
                        "without an IPv6 underlay no packet reaches another node",
                        "ip -6 address; give the uplink its address and bring it up"});
  for (const auto& address : facts.duplicate_addresses)
    findings.push_back({Verdict::kFail, "uplinks", address, "duplicate address detection failed",
                        "another machine has this address; the kernel does not use it",
                        "ip -6 address show dadfailed; give one of the two another address"});
  check_forwarding(findings, facts, agent);
  check_ipv6_on_devices(findings, facts);
  check_uplinks(findings, facts);
  check_rp_filter(findings, facts);
  check_tables(findings, facts);
  check_hooks_and_gateway(findings, facts);
  if (findings.empty())
    findings.push_back(
        {Verdict::kOk, "sysctl", "this node",
         fmt::format("{} parameters as they should be", facts.host.size() + facts.gateway.size())});
  return findings;
}

}  // namespace sextant::doctor
