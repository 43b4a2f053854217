// Random changes for property tests, from pools so small that objects clash, nest and name each
// other all the time.
#pragma once

#include <array>
#include <initializer_list>
#include <random>
#include <string>

#include "overlay/intent.h"
#include "overlay/test_intent.h"

namespace sextant::overlay::testing {

class RandomIntent {
 public:
  explicit RandomIntent(std::uint32_t seed) : random_(seed) {}

  /// One to three objects come, change or go.
  IntentChange change(const Intent& current) {
    IntentChange change;
    for (unsigned i = 0, count = 1 + below(3); i < count; ++i) {
      if (chance(50)) {
        const auto name = node_name();
        const auto old = current.nodes.find(name);
        if (chance(25)) {
          change.nodes[name] = std::nullopt;
        } else if (old != current.nodes.end() && chance(60)) {
          change.nodes[name] = edited(old->second);
        } else {
          change.nodes[name] = random_node(name);
        }
      } else {
        const ObjectKey key{chance(30) ? "ConfigMap" : "SRv6Policy",
                            std::string("p") + std::to_string(below(8))};
        const auto old = current.policies.find(key);
        if (chance(20)) {
          change.policies[key] = std::nullopt;
        } else if (old != current.policies.end() && chance(60)) {
          change.policies[key] = edited(old->second);
        } else {
          change.policies[key] = random_policy(key);
        }
      }
    }
    if (chance(10)) {
      auto& pool = change.sid_prefixes[{"IPPool", pick({"x", "y"})}];
      if (chance(70))
        pool =
            prefix(pick({"cafe::/16", "fcdd:a::/64", "fcff:2::1/128", "fe80::/64", "10.0.0.0/8"}));
    }
    return change;
  }

  unsigned below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_);
  }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  template <typename T>
  T pick(std::initializer_list<T> pool) {
    return pool.begin()[below(static_cast<unsigned>(pool.size()))];
  }

  std::string node_name() { return pick({"a", "b", "c", "d", "e", "f", "r1", "r2"}); }

  IpAddress random_address() {
    return address(pick({"fd00::a", "fd00::b", "fd00::c", "fd00::d", "fd00::e", "fd00::f",
                         "10.0.0.1", "10.0.0.2", "10.0.0.3", "ff02::1", "127.0.0.1", "fe80::1"}));
  }
  srv6::Locator random_locator() {
    return srv6::Locator::parse(
               pick({"fcdd:a::/64", "fcdd:b::/64", "fcdd:c::/64", "fcdd:d::/64", "fcdd:e::/64",
                     "fcdd:f::/64", "fcdd:a::/48", "fcdd::/16", "fcff:1::/32"}))
        .value();
  }
  srv6::Sid random_sid() {
    return sid(pick({"fcdd:a::5", "fcdd:a:0:0:12::", "fcdd:b::6", "fcdd:b:0:0:1::", "fcdd:c::7",
                     "fcdd:d:0:0:13::", "fcff:1::1", "fcff:2::1", "cafe::1", "cafe::2", "fd00::a",
                     "ff02::5"}));
  }
  PodPrefix random_pod_prefix() {
    PodPrefix pods{
        prefix(pick({"10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24", "10.1.0.0/16", "10.1.0.0/25",
                     "10.1.1.7/32", "10.1.0.7/32", "10.0.0.0/8", "10.0.0.1/32", "fd10:a::/64",
                     "fd10:b::/64", "fd10::/16", "fcdd:a::/96", "0.0.0.0/0"})),
        std::nullopt};
    if (chance(30)) pods.color = random_color();
    return pods;
  }
  srv6::Color random_color() { return {below(4)}; }
  std::string random_name() { return chance(5) ? "nobody" : node_name(); }
  std::map<std::string, std::string> random_labels() {
    std::map<std::string, std::string> labels;
    if (chance(40)) labels["rack"] = pick({"1", "2"});
    if (chance(20)) labels["gpu"] = "yes";
    return labels;
  }

  /// What the name would have in a sound cluster.
  static Node sound_node(const std::string& name) {
    if (name[0] == 'r') return router(name, "fcff:" + name.substr(1) + "::1");
    const auto number = std::to_string(name[0] - 'a');
    return node(name, {"fd00::" + name, "10.0.0." + number}, "fcdd:" + name + "::/64",
                {"10.1." + number + ".0/24", "fd10:" + name + "::/64"});
  }

  /// Sound, but for what chance spoils.
  Node random_node(const std::string& name) {
    Node node = sound_node(name);
    node.labels = random_labels();
    if (chance(15)) node.addresses.clear();
    if (chance(15)) node.addresses.insert(node.addresses.begin(), random_address());
    if (chance(10)) node.locator.reset();
    if (chance(15)) node.locator = random_locator();
    if (chance(40)) node.reach = LocatorReach::kOnLink;
    if (chance(15)) node.sids.end = random_sid();
    if (chance(15)) node.sids.dt4 = random_sid();
    if (chance(15)) node.sids.dt6 = random_sid();
    if (chance(15)) node.sids.dt46 = random_sid();
    if (chance(10)) node.pod_prefixes.clear();
    if (chance(15)) node.pods_have_all_addresses = true;
    for (unsigned i = 0, count = chance(40) ? 1 + below(3) : 0; i < count; ++i) {
      node.pod_prefixes.push_back(random_pod_prefix());
    }
    return node;
  }

  Node edited(Node node) {
    const auto fresh = random_node(node.name);
    switch (below(7)) {
      case 0:
        node.labels = fresh.labels;
        break;
      case 1:
        node.addresses = fresh.addresses;
        break;
      case 2:
        node.locator = fresh.locator;
        break;
      case 3:
        node.reach = fresh.reach;
        break;
      case 4:
        node.sids = fresh.sids;
        break;
      case 5:
        node.pod_prefixes = fresh.pod_prefixes;
        node.pods_have_all_addresses = fresh.pods_have_all_addresses;
        break;
      default:
        node.location = "m";
        break;
    }
    return node;
  }

  CandidatePath random_path() {
    CandidatePath path{.name = pick({"", "x", "y"}), .preference = 100 + below(2)};
    path.key.origin.value = chance(80) ? 30 : 20;
    path.key.originator.asn = below(3);
    path.key.discriminator = below(3);
    for (unsigned i = 0, count = below(3); i < count; ++i) {
      WeightedSegments list{.segments = {}, .weight = below(10) == 0 ? 0 : 1 + below(3)};
      for (unsigned j = 0, depth = chance(5) ? 7 : below(4); j < depth; ++j) {
        if (chance(60)) {
          list.segments.emplace_back(std::string(pick({"r1", "r2"})));
        } else if (chance(50)) {
          list.segments.emplace_back(random_sid());
        } else {
          list.segments.emplace_back(random_name());
        }
      }
      path.lists.push_back(std::move(list));
    }
    return path;
  }

  Policy random_policy(const ObjectKey& key) {
    Policy policy{.key = key, .location = "p"};
    if (chance(30)) policy.headend.names = {random_name()};
    if (chance(20)) policy.headend.names.emplace_back("b");
    if (chance(20)) policy.headend.match_labels = random_labels();
    if (chance(50)) {
      policy.endpoint = random_name();
    } else {
      policy.endpoint = random_address();
    }
    policy.color = random_color();
    if (chance(30)) policy.binding_sid = sid(pick({"cafe::1", "cafe::2", "cafe::3"}));
    if (chance(20)) policy.binding_sid = random_sid();
    policy.ipv4 = chance(80);
    policy.ipv6 = chance(80);
    policy.fallback = chance(30) ? Fallback::kDrop : Fallback::kPlain;
    for (unsigned i = 0, count = below(4); i < count; ++i) policy.paths.push_back(random_path());
    return policy;
  }

  Policy edited(Policy policy) {
    const auto fresh = random_policy(policy.key);
    switch (below(7)) {
      case 0:
        policy.headend = fresh.headend;
        break;
      case 1:
        policy.endpoint = fresh.endpoint;
        break;
      case 2:
        policy.color = fresh.color;
        break;
      case 3:
        policy.binding_sid = fresh.binding_sid;
        break;
      case 4:
        policy.fallback = fresh.fallback;
        break;
      case 5:
        policy.location = "q";
        break;
      default:
        policy.paths = fresh.paths;
        break;
    }
    return policy;
  }

  std::mt19937 random_;
};

}  // namespace sextant::overlay::testing
