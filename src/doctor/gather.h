// Fills the facts from this node. Each reads what it can; what cannot be read stays empty or says
// so. Run in the node's network namespace.
#pragma once

#include "doctor/facts.h"
#include "doctor/firewall.h"

namespace sextant::doctor {

[[nodiscard]] SystemFacts gather_system();
[[nodiscard]] GatewayFacts gather_gateway();
[[nodiscard]] SysctlFacts gather_sysctls();
[[nodiscard]] OwnerFacts gather_owners();
[[nodiscard]] Firewall gather_firewall();
[[nodiscard]] CniFacts gather_cni(const footprint::Places& places, std::size_t max_segments);

}  // namespace sextant::doctor
