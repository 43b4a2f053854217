#include "overlay/validation.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sextant::overlay {
namespace {

const IpPrefix kIpv4Loopback(Ipv4Address({127, 0, 0, 0}), 8);
const IpPrefix kIpv4LinkLocal(Ipv4Address({169, 254, 0, 0}), 16);
const IpPrefix kIpv4Multicast(Ipv4Address({224, 0, 0, 0}), 4);
const IpAddress kIpv6Loopback(Ipv6Address({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
const IpPrefix kIpv6LinkLocal(Ipv6Address({0xfe, 0x80}), 10);
const IpPrefix kIpv6Multicast(Ipv6Address({0xff}), 8);

struct Reserved {
  IpPrefix prefix;
  const char* name;
};

const std::array kReserved = {
    Reserved{IpPrefix::host(Ipv4Address{}), "the unspecified address"},
    Reserved{IpPrefix::host(Ipv6Address{}), "the unspecified address"},
    Reserved{kIpv4Loopback, "loopback"},
    Reserved{IpPrefix::host(kIpv6Loopback), "loopback"},
    Reserved{kIpv4LinkLocal, "link-local"},
    Reserved{kIpv6LinkLocal, "link-local"},
    Reserved{kIpv4Multicast, "multicast"},
    Reserved{kIpv6Multicast, "multicast"},
};

std::string describe(const Claim& claim) {
  return (claim.kind == ClaimKind::kLocator ? "locator " : "pod prefix ") +
         claim.prefix.to_string() + " of node " + claim.node;
}

Claim locator_claim(const Node& node) {
  return {node.name, ClaimKind::kLocator, node.locator->prefix()};
}

class NodeReader {
 public:
  NodeReader(const Node& node, const Rulings& rulings) : node_(node), rulings_(rulings) {}

  NodeReading read() {
    facts_.name = node_.name;
    facts_.router = node_.pod_prefixes.empty();
    facts_.reach = node_.reach;
    facts_.pods_have_all_addresses = node_.pods_have_all_addresses;
    read_addresses();
    read_locator();
    read_pod_prefixes();
    read_sids();
    if (!facts_.router && !node_.locator) {
      problem("has no locator: no other node can send to its pods");
    }
    if (!facts_.router && !facts_.endpoint) {
      problem("has no usable IPv6 address: no other node can send to its pods");
    }
    return std::move(reading_);
  }

 private:
  void problem(std::string reason) {
    reading_.problems.push_back(node_problem(node_, std::move(reason)));
  }

  void read_addresses() {
    for (const auto& address : node_.addresses) {
      if (const auto fault = address_fault(address); !fault.empty()) {
        problem("address " + address.to_string() + " is left out: it is " + fault);
      } else if (const auto& owner = rulings_.address_owner(address); owner != node_.name) {
        problem("address " + address.to_string() + " is left out: node " + owner + " has it too");
      } else if (std::ranges::find(facts_.addresses, address) == facts_.addresses.end()) {
        facts_.addresses.push_back(address);
        if (address.is_v6() && !facts_.endpoint) facts_.endpoint = address.v6();
      }
    }
  }

  void read_locator() {
    if (!node_.locator) return;
    const auto name = "locator " + node_.locator->to_string() + " is left out: it ";
    if (const auto fault = prefix_fault(node_.locator->prefix()); !fault.empty()) {
      problem(name + fault);
    } else if (const auto obstacle = rulings_.obstacle(locator_claim(node_))) {
      problem(name + "overlaps " + describe(*obstacle));
    } else {
      facts_.locator = node_.locator;
    }
  }

  void read_pod_prefixes() {
    for (const auto& pod_prefix : node_.pod_prefixes) {
      const auto name = "pod prefix " + pod_prefix.prefix.to_string() + " is left out: ";
      if (const auto fault = prefix_fault(pod_prefix.prefix); !fault.empty()) {
        problem(name + "it " + fault);
      } else if (std::ranges::find(facts_.pod_prefixes, pod_prefix.prefix, &PodPrefix::prefix) !=
                 facts_.pod_prefixes.end()) {
        problem(name + "the node has it twice");
      } else if (const auto obstacle =
                     rulings_.obstacle({node_.name, ClaimKind::kPodPrefix, pod_prefix.prefix})) {
        problem(name + "it overlaps " + describe(*obstacle));
      } else {
        facts_.pod_prefixes.push_back(pod_prefix);
      }
    }
  }

  struct SidChoice {
    srv6::Behavior behavior;
    const std::optional<srv6::Sid>& fixed;
    std::optional<srv6::Sid>& chosen;
  };

  void read_sids() {
    const std::array choices = {
        SidChoice{srv6::Behavior::kEnd, node_.sids.end, facts_.end},
        SidChoice{srv6::Behavior::kEndDt4, node_.sids.dt4, facts_.dt4},
        SidChoice{srv6::Behavior::kEndDt6, node_.sids.dt6, facts_.dt6},
        SidChoice{srv6::Behavior::kEndDt46, node_.sids.dt46, facts_.dt46},
    };
    std::set<srv6::Sid> taken;
    for (const auto& choice : choices) {
      if (facts_.locator) {
        choice.chosen = srv6::derived_sid(*facts_.locator, choice.behavior);
        taken.insert(*choice.chosen);
      }
    }
    for (const auto& choice : choices) {
      if (!choice.fixed || choice.fixed == choice.chosen) continue;
      if (const auto fault = fixed_sid_fault(choice, taken); !fault.empty()) {
        problem("SID " + choice.fixed->to_string() + " for " +
                std::string(to_string(choice.behavior)) + " is left out: " + fault +
                (choice.chosen ? "; " + choice.chosen->to_string() + " is used" : ""));
        continue;
      }
      choice.chosen = choice.fixed;
      taken.insert(*choice.chosen);
    }
    facts_.service_ipv4 = service_sid(node_.sids.dt4, facts_.dt4);
    facts_.service_ipv6 = service_sid(node_.sids.dt6, facts_.dt6);
  }

  [[nodiscard]] std::string fixed_sid_fault(const SidChoice& choice,
                                            const std::set<srv6::Sid>& taken) const {
    if (const auto fault = address_fault(choice.fixed->address()); !fault.empty()) {
      return "it is " + fault;
    }
    if (taken.contains(*choice.fixed)) return "it is the node's SID for another behavior";
    const bool anywhere = facts_.router && choice.behavior == srv6::Behavior::kEnd;
    if (anywhere) return {};
    if (!facts_.locator) return "the node has no locator";
    if (!facts_.locator->contains(*choice.fixed)) {
      return "it lies outside of the node's locator " + facts_.locator->to_string();
    }
    return {};
  }

  /// End.DT46 serves a family where it is the only one that was fixed for it: its node may not be
  /// ours and have no other.
  [[nodiscard]] std::optional<srv6::Sid> service_sid(const std::optional<srv6::Sid>& fixed,
                                                     const std::optional<srv6::Sid>& chosen) const {
    const bool is_fixed = fixed && fixed == chosen;
    const bool dt46_is_fixed = node_.sids.dt46 && node_.sids.dt46 == facts_.dt46;
    return !is_fixed && dt46_is_fixed ? facts_.dt46 : chosen;
  }

  const Node& node_;
  const Rulings& rulings_;
  NodeReading reading_;
  NodeFacts& facts_ = reading_.facts;
};

}  // namespace

std::optional<srv6::Behavior> NodeFacts::decapsulation(const srv6::Sid& sid) const {
  if (sid == dt4) return srv6::Behavior::kEndDt4;
  if (sid == dt6) return srv6::Behavior::kEndDt6;
  if (sid == dt46) return srv6::Behavior::kEndDt46;
  return std::nullopt;
}

std::string prefix_fault(const IpPrefix& prefix) {
  if (prefix.length() == 0) return "is the default route";
  for (const auto& reserved : kReserved) {
    if (prefix.contains(reserved.prefix) && !prefix.is_host()) {
      return "contains " + reserved.prefix.to_string() + " (" + reserved.name + ")";
    }
    if (reserved.prefix.contains(prefix)) return std::string("is ") + reserved.name;
  }
  return {};
}

std::string address_fault(const IpAddress& address) {
  for (const auto& reserved : kReserved) {
    if (reserved.prefix.contains(address)) return reserved.name;
  }
  return {};
}

std::set<Claim> claims_of(const Node& node) {
  std::set<Claim> claims;
  if (node.locator && prefix_fault(node.locator->prefix()).empty()) {
    claims.insert(locator_claim(node));
  }
  for (const auto& pod_prefix : node.pod_prefixes) {
    if (prefix_fault(pod_prefix.prefix).empty()) {
      claims.insert({node.name, ClaimKind::kPodPrefix, pod_prefix.prefix});
    }
  }
  return claims;
}

std::set<IpAddress> addresses_of(const Node& node) {
  std::set<IpAddress> addresses;
  for (const auto& address : node.addresses) {
    if (address_fault(address).empty()) addresses.insert(address);
  }
  return addresses;
}

NodeReading read_node(const Node& node, const Rulings& rulings) {
  return NodeReader(node, rulings).read();
}

Problem node_problem(const Node& node, std::string reason) {
  return {{"Node", node.name}, node.location, std::move(reason)};
}

}  // namespace sextant::overlay
