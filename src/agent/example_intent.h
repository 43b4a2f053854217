// For unit tests: two nodes, and a policy of worker1 towards worker2.
#pragma once

#include "overlay/intent.h"

namespace sextant::agent::example {

inline IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

inline overlay::Node node(const char* name, const char* underlay, const char* locator,
                          const char* pods_v4, const char* pods_v6) {
  return {.name = name,
          .location = std::string("nodes.yaml:") + name,
          .addresses = {address(underlay)},
          .locator = srv6::Locator::parse(locator).value(),
          .pod_prefixes = {{.prefix = IpPrefix::parse(pods_v4).value()},
                           {.prefix = IpPrefix::parse(pods_v6).value()}}};
}

inline overlay::Node worker1() {
  return node("worker1", "fd11::1000", "fcdd:0:0:11aa::/64", "172.16.1.0/26",
              "fdfb:af47:32af:1::/122");
}
inline overlay::Node worker2() {
  return node("worker2", "fd12::1000", "fcdd:0:0:12aa::/64", "172.16.2.0/26",
              "fdfb:af47:32af:2::/122");
}

/// IPv4 and IPv6 of worker1 to worker2 through one router.
inline overlay::Policy gold(const char* via = "fcff:6::1") {
  return {.key = {.kind = "SRv6Policy", .name = "gold"},
          .location = "policies.yaml:1",
          .headend = {.names = {"worker1"}},
          .endpoint = std::string("worker2"),
          .color = {.value = 100},
          .binding_sid = srv6::Sid::parse("cafe::185").value(),
          .paths = {{.key = {.discriminator = 1},
                     .name = "north",
                     .lists = {{.segments = {srv6::Sid::parse(via).value()}}}}}};
}

inline overlay::IntentChange nodes() {
  overlay::IntentChange change;
  change.nodes["worker1"] = worker1();
  change.nodes["worker2"] = worker2();
  return change;
}

inline overlay::IntentChange change_of(overlay::Policy policy) {
  overlay::IntentChange change;
  auto key = policy.key;
  change.policies[std::move(key)] = std::move(policy);
  return change;
}

}  // namespace sextant::agent::example
