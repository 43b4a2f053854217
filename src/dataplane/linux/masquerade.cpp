#include "dataplane/linux/masquerade.h"

#include <fmt/format.h>

#include <utility>

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/prefix_cover.h"

namespace sextant::dataplane {
namespace {

// Nobody's (RFC 5737, RFC 3849): what leads there is the way to the outside.
constexpr Ipv4Address kSomewhereIpv4({192, 0, 2, 1});
constexpr Ipv6Address kSomewhereIpv6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

constexpr std::string_view kOwnPods = "own_pods";
constexpr std::string_view kForeignPods = "foreign_pods";
constexpr std::string_view kNodeAddresses = "node_addresses";

}  // namespace

std::set<OutgoingSource> preferred_sources(netlink::Socket& socket,
                                           const std::set<std::string>& uplinks) {
  std::set<OutgoingSource> sources;
  for (const IpAddress& somewhere : {IpAddress(kSomewhereIpv4), IpAddress(kSomewhereIpv6)}) {
    const auto route = netlink::match_route(socket, somewhere);
    if (!route || !*route || !(*route)->preferred_source) continue;  // masqueraded
    const IpAddress address = *(*route)->preferred_source;
    if ((*route)->nexthop != netlink::NexthopId::kNone) {  // a routing daemon's
      for (const auto& device : uplinks) sources.insert({device, address});
    }
    for (const auto& hop : (*route)->next_hops) {
      if (const auto link = netlink::get_link(socket, hop.link)) {
        sources.insert({link->name, address});
      }
    }
  }
  // nft's language cannot say a name with a quotation mark, and takes an asterisk for any ending.
  std::erase_if(sources, [](const OutgoingSource& source) {
    return source.device.find_first_of("\"*") != std::string::npos;
  });
  return sources;
}

bool Masquerade::set_sources(std::set<OutgoingSource> sources) {
  return std::exchange(sources_, std::move(sources)) != sources_;
}

void Masquerade::become_disjoint(Tracked Sets::*set, const std::vector<IpPrefix>& prefixes) {
  PrefixCover cover;
  for (const auto& prefix : prefixes) cover.insert(prefix);
  PrefixSet ipv4, ipv6;
  for (const auto& prefix : cover.take_change().added) {
    (prefix.family() == Family::kIpv4 ? ipv4 : ipv6).insert(prefix);
  }
  become(ipv4, (ipv4_.*set).elements, (ipv4_.*set).change);
  become(ipv6, (ipv6_.*set).elements, (ipv6_.*set).change);
}

void Masquerade::set_own_pods(const std::vector<IpPrefix>& prefixes) {
  become_disjoint(&Sets::own_pods, prefixes);
}

void Masquerade::set_foreign_pods(const std::vector<IpPrefix>& prefixes) {
  become_disjoint(&Sets::foreign_pods, prefixes);
}

void Masquerade::set_node_address(const overlay::RouteKey& key, bool present) {
  // The set is a hash of addresses.
  if (key.scope != overlay::RouteScope::kPods || !key.prefix.is_host()) return;
  auto& [elements, change] = of(key.prefix.family()).node_addresses;
  if (present) {
    enter(key.prefix, elements, change);
  } else {
    leave(key.prefix, elements, change);
  }
}

void Masquerade::set_routes(const std::map<overlay::RouteKey, overlay::RouteTarget>& routes) {
  for (auto* sets : {&ipv4_, &ipv6_}) {
    become({}, sets->node_addresses.elements, sets->node_addresses.change);
  }
  for (const auto& [key, target] : routes) set_node_address(key, true);
}

void Masquerade::change_routes(
    const std::map<overlay::RouteKey, std::optional<overlay::RouteTarget>>& routes) {
  for (const auto& [key, target] : routes) set_node_address(key, target.has_value());
}

void Masquerade::add_sets(NftTable& table, Family family) const {
  const auto& sets = family == Family::kIpv4 ? ipv4_ : ipv6_;
  table.add_set(kOwnPods, sets.own_pods.elements);
  table.add_set(kForeignPods, sets.foreign_pods.elements);
  table.add_set(kNodeAddresses, sets.node_addresses.elements, false);
}

void Masquerade::add_chain(NftTable& table, Family family) const {
  auto rules = fmt::format(
      "type nat hook postrouting priority 120; policy accept;\n"
      "oifname \"{0}\" accept\n"
      "{1} saddr != @{2} accept\n"
      "{1} daddr @{2} accept\n"
      "{1} daddr @{3} accept\n"
      "{1} daddr @{4} accept\n",
      kHostInner, family == Family::kIpv4 ? "ip" : "ip6", kOwnPods, kNodeAddresses, kForeignPods);
  // Random ports, as everybody else's: two flows at once never race for the same one.
  for (const auto& [device, address] : sources_) {
    if (address.family() != family) continue;
    rules += fmt::format("oifname \"{}\" snat to {} fully-random\n", device, address.to_string());
  }
  table.add_chain("nat_outgoing", rules + "masquerade fully-random\n");
}

std::map<std::string, SetChange> Masquerade::take_changes() {
  std::map<std::string, SetChange> changes;
  const auto take = [&](std::string_view table, Sets& sets) {
    const auto collect = [&](std::string_view name, Tracked& set) {
      auto change = std::exchange(set.change, {});
      if (!change.empty()) changes.emplace(fmt::format("{} sextant {}", table, name), change);
    };
    collect(kOwnPods, sets.own_pods);
    collect(kForeignPods, sets.foreign_pods);
    collect(kNodeAddresses, sets.node_addresses);
  };
  take("ip", ipv4_);
  take("ip6", ipv6_);
  return changes;
}

}  // namespace sextant::dataplane
