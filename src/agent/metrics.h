// GET /metrics: what the agent tells Prometheus. docs/metrics.md lists it all.
//
// Flow: events (calls of the data plane, reloads of the source, the loop's lag) are counted as they
// happen; counters of the data plane and the state are read when a scraper asks. One thread, the
// agent's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/http_server.h"
#include "agent/reconciler.h"
#include "agent/views.h"

namespace sextant::agent {

enum class ReloadResult : std::uint8_t { kChanged, kUnchanged, kFailed };

class Metrics {
 public:
  /// `per_node`: the traffic on plain paths node by node too.
  explicit Metrics(bool per_node);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Events.
  void applied(const LastApply& call, const Result<dataplane::ApplyReport>& report);
  void reloaded(ReloadResult result);
  void loop_lagged(Clock::duration lag);
  /// What an earlier agent's paths have carried is not this one's.
  void adopted(dataplane::Dataplane& dataplane);

  /// The text format 0.0.4. Where the data plane's counters cannot be read, all else is there.
  [[nodiscard]] std::string text(const Reconciler& reconciler, const SourceState& source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] HttpResponse metrics_response(Metrics& metrics, const Reconciler& reconciler,
                                            const SourceState& source);

}  // namespace sextant::agent
