#include "dataplane/linux/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dataplane/linux/names.h"
#include "dataplane/linux/nftables.h"

namespace sextant::dataplane {
namespace {

constexpr std::array<std::string_view, 3> kTables = {"ip sextant", "ip6 sextant", "netdev sextant"};
// Before conntrack and its defragmentation (-400): what is dropped costs no entry.
constexpr std::string_view kPrerouting =
    "type filter hook prerouting priority -450; policy accept;";
constexpr std::string_view kForward = "type filter hook forward priority -450; policy accept;";

// Counters, by reason (docs/closed-domain.md).
constexpr std::string_view kPodSpoofed = "pod_spoofed";
constexpr std::string_view kPodRoutingHeader = "pod_routing_header";
constexpr std::string_view kPodToSid = "pod_to_sid";
constexpr std::string_view kNotFromUnderlay = "sid_not_from_underlay";
constexpr std::string_view kSidSource = "sid_source";

std::string drop(std::string_view counter) {
  return fmt::format("counter name \"{}\" drop\n", counter);
}

// Which addresses are a pod's is a matter of routing: the route that the CNI plugin makes for the
// pod says what it may send from. `fib` lets 0.0.0.0 to a broadcast and :: to a neighbor pass.
constexpr std::string_view kSpoofed = "fib saddr . iif oif missing ";

void add_ipv4(Ruleset& ruleset, const Masquerade* masquerade) {
  NftTable table(ruleset, "ip sextant");
  table.add_counters({kPodSpoofed});
  if (masquerade) masquerade->add_sets(table, Family::kIpv4);
  table.add_chain("prerouting", fmt::format("{}\niifname \"{}*\" {}{}", kPrerouting,
                                            kPodDevicePrefix, kSpoofed, drop(kPodSpoofed)));
  if (masquerade) masquerade->add_chain(table, Family::kIpv4);
}

// Whether an outer packet to an own SID comes from within the domain. Asked only where its source
// is no node's or router's own address.
void add_unknown_source(NftTable& table, const FilterInput& input) {
  std::string rules;
  if (input.sid_sources.empty()) {
    rules += fmt::format("fib saddr oifname \"{}\" {}", kHostInner, drop(kSidSource));
    rules += fmt::format("fib saddr oifname \"{}*\" {}", kPodDevicePrefix, drop(kSidSource));
    rules += "fib saddr type unreachable " + drop(kSidSource);  // no pod's of the own prefix
  } else {
    rules += "ip6 saddr @sid_domain return\nip6 saddr @sid_sources return\n" + drop(kSidSource);
  }
  table.add_chain("unknown_source", rules);
}

constexpr std::string_view kCheckSource = "ip6 saddr != @nodes jump unknown_source\n";

void add_ipv6(Ruleset& ruleset, const FilterInput& input, const Masquerade* masquerade) {
  NftTable table(ruleset, "ip6 sextant");
  table.add_counters({kPodRoutingHeader, kPodSpoofed, kPodToSid, kNotFromUnderlay, kSidSource});
  table.add_set("gateway_sids", input.gateway_sids);
  table.add_set("host_sids", input.host_sids);
  table.add_set("nodes", input.nodes, false);
  // Which device may send from which address, for a minute: the route look-up costs a microsecond.
  table.add_cache("pod_sources", "iif . ip6 saddr");
  table.add_set("sid_domain", input.sid_domain);
  if (!input.sid_sources.empty()) table.add_set("sid_sources", input.sid_sources);
  if (masquerade) masquerade->add_sets(table, Family::kIpv6);

  // A routing header can stand behind other headers, and in a later fragment than these: of a
  // fragmented packet, no extension header may follow the fragment header (RFC 7112). Numbers: 0
  // hop-by-hop, 43 routing, 44 fragment, 51 authentication, 60 destination options, 135 mobility,
  // 139 HIP, 140 Shim6.
  table.add_chain("pod_extension", "exthdr rt exists " + drop(kPodRoutingHeader) +
                                       "frag nexthdr { 0, 43, 44, 60 } " + drop(kPodRoutingHeader));
  // A pod's link is up before its host end has an address: what it tells its neighbors meanwhile
  // is no attack, and never routed.
  table.add_chain("pod_source",
                  fmt::format("ip6 saddr fe80::/10 ip6 daddr ff02::/16 return\n{}{}"
                              "ip6 saddr != :: add @pod_sources {{ iif . ip6 saddr }}\n",
                              kSpoofed, drop(kPodSpoofed)));
  table.add_chain("pod",
                  "iif . ip6 saddr != @pod_sources jump pod_source\n"
                  "ip6 daddr @gateway_sids " +
                      drop(kPodToSid) +
                      "ip6 nexthdr { 0, 43, 44, 51, 60, 135, 139, 140 } goto "
                      "pod_extension\n");
  add_unknown_source(table, input);
  table.add_chain("from_underlay",
                  fmt::format("{}ip6 daddr @host_sids accept\ndup to {} device \"{}\" drop\n",
                              kCheckSource, kGatewaySide.to_string(), kHostOuter));
  // Decapsulated, and for another SID yet: a binding SID was on the way. What a pod sends in the
  // overlay comes from the pod's address and gets no further.
  const auto from_node = fmt::format("iifname \"{}\" ip6 saddr @nodes ", kHostInner);
  std::string own, others;
  for (const auto& uplink : input.uplinks) {
    own += fmt::format("iifname \"{}\" goto from_underlay\n", uplink.name);
    others += fmt::format("iifname \"{}\" accept\n", uplink.name);
  }
  table.add_chain("to_own_sid", own + from_node + "goto from_underlay\n" + drop(kNotFromUnderlay));
  table.add_chain("prerouting", fmt::format("{}\n"
                                            "iifname \"{}*\" goto pod\n"
                                            "iifname \"{}\" dup to ip6 daddr drop\n"
                                            "ip6 daddr @gateway_sids goto to_own_sid\n",
                                            kPrerouting, kPodDevicePrefix, kHostOuter));
  // What is routed into the overlay or to a pod is for a pod or a node, whatever a policy or a wide
  // SID prefix says. Here, and not before routing: most packets need no look-up then, and what DNAT
  // or a routing header on this host made of a packet is seen too.
  table.add_chain("to_other_sid",
                  fmt::format("iifname \"{}*\" {}", kPodDevicePrefix, drop(kPodToSid)) + others +
                      from_node + "accept\n" + drop(kNotFromUnderlay));
  table.add_chain("forward", fmt::format("{}\n"
                                         "oifname \"{}\" accept\n"
                                         "oifname \"{}*\" accept\n"
                                         "ip6 daddr @sid_domain goto to_other_sid\n",
                                         kForward, kHostInner, kPodDevicePrefix));
  if (masquerade) masquerade->add_chain(table, Family::kIpv6);
}

void add_netdev(Ruleset& ruleset, const FilterInput& input) {
  if (std::ranges::none_of(input.uplinks, &Uplink::ethernet)) return;
  NftTable table(ruleset, "netdev sextant");
  table.add_counters({kSidSource});
  table.add_set("gateway_sids", input.gateway_sids);
  table.add_set("host_sids", input.host_sids);
  table.add_set("nodes", input.nodes, false);
  if (!input.sid_sources.empty()) {
    table.add_set("sid_domain", input.sid_domain);
    table.add_set("sid_sources", input.sid_sources);
  }
  add_unknown_source(table, input);
  table.add_chain("gateway_sid", fmt::format("{}ether daddr set {} fwd to \"{}\"\n", kCheckSource,
                                             kGatewayOuterMac.to_string(), kHostOuter));
  for (const auto& uplink : input.uplinks) {
    if (!uplink.ethernet) continue;
    table.add_chain(
        fmt::format("uplink{}", uplink.index),
        fmt::format(
            "type filter hook ingress device \"{}\" priority 100; policy accept;\n"
            // What a switch floods is another device's, maybe of this node: the stack drops it.
            "meta pkttype other accept\n"
            "ip6 daddr @host_sids accept\nip6 daddr @gateway_sids goto gateway_sid\n",
            uplink.name));
  }
}

std::string removal() {
  std::string commands;
  for (const auto table : kTables) {  // `add` first, so that `delete` finds one
    commands += fmt::format("add table {0}\ndelete table {0}\n", table);
  }
  return commands;
}

std::string element_commands(std::string_view verb, std::string_view set,
                             const PrefixSet& elements) {
  if (elements.empty()) return {};
  std::string text;
  for (const auto& prefix : elements) {
    if (!text.empty()) text += ", ";
    text += prefix.is_host() ? prefix.address().to_string() : prefix.to_string();
  }
  return fmt::format("{} element {} {{ {} }}\n", verb, set, text);
}

// Elements that leave go first: one that enters may hold what they held.
std::string change_commands(const std::map<std::string, SetChange>& changes) {
  std::string commands;
  for (const auto& [set, change] : changes) {
    commands += element_commands("delete", set, change.removed);
    commands += element_commands("add", set, change.added);
  }
  return commands;
}

SetChange difference(const PrefixSet& from, const PrefixSet& to) {
  SetChange change;
  std::ranges::set_difference(to, from, std::inserter(change.added, change.added.end()));
  std::ranges::set_difference(from, to, std::inserter(change.removed, change.removed.end()));
  return change;
}

// What is there now, without elements; tables that are not there give nothing.
std::string present_tables() {
  std::string text;
  for (const auto table : kTables) {
    const auto listed = run_nft(fmt::format("list table {}", table), NftListing::kTerse);
    if (listed) text += *listed;
  }
  return words_of(text);
}

// The counters' values are put into the new table's text, so that they go on.
std::string with_counts(std::string text) {
  for (const auto table : kTables) {
    const auto start = text.find(fmt::format("table {} {{\n", table));
    if (start == std::string::npos) continue;
    for (const auto& [name, count] : nft_counters(table)) {
      const auto empty = fmt::format("counter {} {{\n}}\n", name);
      const auto at = text.find(empty, start);
      if (at == std::string::npos) continue;
      text.replace(at, empty.size(),
                   fmt::format("counter {} {{\npackets {} bytes {}\n}}\n", name, count.packets,
                               count.bytes));
    }
  }
  return text;
}

Result<bool> sync_sets(const Ruleset& ruleset) {
  std::map<std::string, SetChange> changes;
  for (const auto& [set, wanted] : ruleset.sets) {
    const auto present = nft_elements(set);
    if (!present) return tl::unexpected(present.error());
    if (auto change = difference(*present, wanted); !change.empty()) changes.emplace(set, change);
  }
  if (changes.empty()) return false;
  const auto done = run_nft(change_commands(changes));
  if (!done) return tl::unexpected(done.error());
  return true;
}

}  // namespace

Ruleset host_ruleset(const FilterInput& wanted, const Masquerade* masquerade) {
  // nft's language cannot say a name with a quotation mark, and takes an asterisk for any ending.
  auto input = wanted;
  std::erase_if(input.uplinks, [](const Uplink& uplink) {
    return uplink.name.find_first_of("\"*") != std::string::npos;
  });
  Ruleset ruleset;
  add_ipv4(ruleset, masquerade);
  add_ipv6(ruleset, input, masquerade);
  add_netdev(ruleset, input);
  return ruleset;
}

Ruleset gateway_ruleset(const std::set<srv6::Sid>& dual_stack_sids) {
  if (dual_stack_sids.empty()) return {};
  PrefixSet prefixes;
  for (const auto& sid : dual_stack_sids) prefixes.insert(IpPrefix::host(sid.address()));
  Ruleset ruleset;
  {
    NftTable table(ruleset, "netdev sextant");
    table.add_set("dual_stack_sids", prefixes);
    table.add_chain(
        "outer",
        fmt::format("type filter hook ingress device \"{}\" priority filter; policy accept;\n"
                    "ip6 daddr @dual_stack_sids meta l4proto 4 meta mark set 0x{:08x}\n",
                    kGatewayOuter, kInnerIpv4Mark));
  }
  return ruleset;
}

Result<bool> sync_ruleset(const Ruleset& ruleset) {
  if (present_tables() == words_of(ruleset.text)) return sync_sets(ruleset);
  std::string elements;
  for (const auto& [set, wanted] : ruleset.sets) elements += element_commands("add", set, wanted);
  const auto done = run_nft(removal() + with_counts(ruleset.text) + elements);
  if (!done) return tl::unexpected(done.error());
  return true;
}

Result<void> remove_ruleset() {
  const auto done = run_nft(removal());
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<void> change_sets(const std::map<std::string, SetChange>& changes) {
  const auto commands = change_commands(changes);
  if (commands.empty()) return {};
  const auto done = run_nft(commands);
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<std::map<std::string, Count>> read_drop_counters() {
  std::map<std::string, Count> total;
  for (const auto table : kTables) {
    for (const auto& [name, count] : nft_counters(table)) total[name] += count;
  }
  return total;
}

}  // namespace sextant::dataplane
