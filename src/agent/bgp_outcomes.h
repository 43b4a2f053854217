// What became of the policies that came by BGP, for those who injected them. Pure.
#pragma once

#include "agent/reconciler.h"
#include "sources/bgp/policy_states.h"

namespace sextant::agent {

[[nodiscard]] bgp_source::PathOutcomes make_bgp_outcomes(const Reconciler& reconciler);

}  // namespace sextant::agent
