#include "injector/injected_policy.h"

#include <utility>

namespace sextant::injector {

std::string to_string(const PolicyKey& key) {
  return std::to_string(key.color.value) + "," + key.endpoint.to_string() + "," +
         std::to_string(key.distinguisher);
}

bgp::SrPolicyTunnel spelled_out(bgp::SrPolicyTunnel tunnel) {
  for (auto& list : tunnel.lists) {
    if (!list.weight) list.weight = 1;
  }
  return tunnel;
}

InjectedPolicy spelled_out(InjectedPolicy policy) {
  policy.tunnel = spelled_out(std::move(policy.tunnel));
  if (policy.tunnel.policy_name.empty()) policy.tunnel.policy_name = policy.name;
  return policy;
}

}  // namespace sextant::injector
