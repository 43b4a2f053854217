#include "injector/daemon/metrics.h"

#include <algorithm>

#include "agent/metric_text.h"
#include "agent/process_metrics.h"
#include "base/version.h"

namespace sextant::injector {

using agent::Labels;

agent::HttpResponse metrics_response(const Injector& injector) {
  agent::MetricText text;
  text.gauge("sextant_injector_build_info", "Always 1, with the version as a label");
  text.add(Labels{{"version", version()}}, 1.0);

  const auto reports = injector.reports();
  const auto unsent = std::ranges::count_if(reports, [](const PolicyReport& report) {
    return std::ranges::none_of(report.peers, &Delivery::sent);
  });
  text.gauge("sextant_injector_policies", "SR Policies (candidate paths) that are announced",
             static_cast<double>(reports.size()));
  text.gauge("sextant_injector_policies_unsent", "Those that no peer was sent",
             static_cast<double>(unsent));
  const auto& counts = injector.counts();
  text.counter("sextant_injector_announced_total", "Policies announced, new or changed",
               static_cast<double>(counts.announced));
  text.counter("sextant_injector_withdrawn_total", "Policies withdrawn",
               static_cast<double>(counts.withdrawn));
  text.counter("sextant_injector_state_write_failures_total",
               "Changes refused since the state could not be written",
               static_cast<double>(counts.failed_writes));

  const auto peers = injector.speaker().peers();
  text.gauge("sextant_injector_peer_up", "1: the BGP session is Established");
  for (const auto& peer : peers)
    text.add(Labels{{"peer", peer.address.to_string()}},
             peer.state == bgp::State::kEstablished ? 1.0 : 0.0);
  text.counter("sextant_injector_peer_sessions_total", "BGP sessions that came up");
  for (const auto& peer : peers)
    text.add(Labels{{"peer", peer.address.to_string()}}, peer.counters.established);
  text.counter("sextant_injector_peer_updates_sent_total", "BGP UPDATEs sent");
  for (const auto& peer : peers)
    text.add(Labels{{"peer", peer.address.to_string()}}, peer.counters.sent.updates);
  agent::write_process(text);
  return {.body = text.finish(), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace sextant::injector
