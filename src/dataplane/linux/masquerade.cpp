#include "dataplane/linux/masquerade.h"

#include <fmt/format.h>

#include <utility>

#include "dataplane/linux/names.h"
#include "dataplane/linux/prefix_cover.h"

namespace sextant::dataplane {
namespace {

constexpr std::string_view kOwnPods = "own_pods";
constexpr std::string_view kForeignPods = "foreign_pods";
constexpr std::string_view kNodeAddresses = "node_addresses";

}  // namespace

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

void Masquerade::add_chain(NftTable& table, Family family) {
  // Random ports, as everybody else's: two flows at once never race for the same one.
  table.add_chain("nat_outgoing",
                  fmt::format("type nat hook postrouting priority 120; policy accept;\n"
                              "oifname \"{0}\" accept\n"
                              "{1} saddr != @{2} accept\n"
                              "{1} daddr @{2} accept\n"
                              "{1} daddr @{3} accept\n"
                              "{1} daddr @{4} accept\n"
                              "masquerade fully-random\n",
                              kHostInner, family == Family::kIpv4 ? "ip" : "ip6", kOwnPods,
                              kNodeAddresses, kForeignPods));
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
