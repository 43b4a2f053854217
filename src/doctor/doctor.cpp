#include "doctor/doctor.h"

#include "doctor/checks.h"
#include "doctor/gather.h"
#include "doctor/peers.h"

namespace sextant::doctor {

Findings examine(const Options& options) {
  Findings findings;
  const auto agent = ask_agent(options.places.socket.string());
  append(findings, check_agent(agent));
  append(findings, check_system(gather_system()));
  append(findings, check_gateway(gather_gateway(), agent));
  append(findings, check_sysctls(gather_sysctls(), agent));
  append(findings, check_route_owners(gather_owners(), agent));
  append(findings, check_firewall(gather_firewall(), agent));
  append(findings, check_cni(gather_cni(options.places, agent.max_segments), agent));
  if (const auto found = footprint::take_inventory(options.places))
    append(findings, check_leftovers(*found));
  if (options.probes && agent.reachable())
    append(findings, check_survey(survey_peers(agent, options.peers)));
  return findings;
}

}  // namespace sextant::doctor
