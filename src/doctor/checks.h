// The checks of this node: facts in, findings out. Pure.
#pragma once

#include "doctor/agent_facts.h"
#include "doctor/facts.h"
#include "doctor/finding.h"
#include "doctor/firewall.h"

namespace sextant::doctor {

[[nodiscard]] Findings check_agent(const AgentFacts& agent);
[[nodiscard]] Findings check_system(const SystemFacts& system);
[[nodiscard]] Findings check_gateway(const GatewayFacts& gateway, const AgentFacts& agent);
[[nodiscard]] Findings check_sysctls(const SysctlFacts& sysctls, const AgentFacts& agent);
[[nodiscard]] Findings check_route_owners(const OwnerFacts& owners, const AgentFacts& agent);
[[nodiscard]] Findings check_firewall(const Firewall& firewall, const AgentFacts& agent);
[[nodiscard]] Findings check_cni(const CniFacts& cni, const AgentFacts& agent);
[[nodiscard]] Findings check_leftovers(const footprint::Inventory& found);

}  // namespace sextant::doctor
