#include "doctor/doctor.h"

#include "doctor/checks.h"
#include "doctor/cluster.h"
#include "doctor/gather.h"
#include "doctor/peers.h"

namespace sextant::doctor {

Findings examine(const Options& options) {
  Findings findings;
  const auto agent = ask_agent(options.places.socket.string());
  append(findings, check_agent(agent));
  append(findings, check_cluster(agent, agent.server ? ask_cluster(agent.node) : ClusterFacts()));
  append(findings, check_system(gather_system()));
  append(findings, check_gateway(gather_gateway(), agent));
  append(findings, check_sysctls(gather_sysctls(), agent));
  append(findings, check_route_owners(gather_owners(), agent));
  append(findings, check_firewall(gather_firewall(), agent));
  append(findings, check_cni(gather_cni(options.places, agent.max_segments), agent));
  const auto found = footprint::take_inventory(options.places);
  if (found) {
    append(findings, check_leftovers(*found));
  } else {
    findings.push_back(
        {Verdict::kWarn, "leftovers", "this node", "not looked at: " + found.error().message(),
         "an agent that does not run may have left forwarding", "sudo sextant doctor"});
  }
  if (options.probes && agent.reachable())
    append(findings, check_survey(survey_peers(agent, options.peers)));
  return findings;
}

}  // namespace sextant::doctor
