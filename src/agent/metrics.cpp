#include "agent/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstring>

#include "agent/metric_text.h"
#include "agent/policy_labels.h"
#include "agent/process_metrics.h"
#include "agent/state_metrics.h"
#include "agent/traffic_metrics.h"
#include "base/log.h"

namespace sextant::agent {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildHistogram;
using prometheus::Histogram;

const Histogram::BucketBoundaries kApplyBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.06,
                                                0.1,    0.25,  0.5,    1,     2.5,  5,    10};
const Histogram::BucketBoundaries kLagBuckets{0.001, 0.005, 0.02, 0.06, 0.25, 1, 5};

/// The label of a reconcile's reason.
const char* label(Reason reason) {
  switch (reason) {
    case Reason::kChange:
      return "change";
    case Reason::kStart:
      return "start";
    case Reason::kChangeAfterFailure:
      return "change_after_failure";
    case Reason::kDamage:
      return "damage";
    case Reason::kRetry:
      return "retry";
  }
  return "";
}

const char* label(ReloadResult result) {
  switch (result) {
    case ReloadResult::kChanged:
      return "changed";
    case ReloadResult::kUnchanged:
      return "unchanged";
    case ReloadResult::kFailed:
      return "failed";
  }
  return "";
}

/// "EEXIST": as many as the system knows, so the label is bounded.
std::string error_label(const Error& error) {
  const char* name = error.errno_value == 0 ? nullptr : strerrorname_np(error.errno_value);
  return name == nullptr ? "other" : name;
}

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double number(std::size_t value) { return static_cast<double>(value); }

}  // namespace

struct Metrics::State {
  explicit State(bool per_node_series) : per_node(per_node_series) {
    for (const char* kind : {"apply", "reconcile"}) {
      durations.Add({{"kind", kind}}, kApplyBuckets);
      writes.Add({{"kind", kind}});
      failures.Add({{"kind", kind}});
    }
    for (const auto reason :
         {Reason::kStart, Reason::kChangeAfterFailure, Reason::kDamage, Reason::kRetry})
      resyncs.Add({{"reason", label(reason)}});
    for (const auto result :
         {ReloadResult::kChanged, ReloadResult::kUnchanged, ReloadResult::kFailed})
      reloads.Add({{"result", label(result)}});
    for (const char* error : {"EEXIST", "other"}) errors.Add({{"error", error}});
  }

  prometheus::Registry registry;
  prometheus::Family<Histogram>& durations =
      BuildHistogram()
          .Name("sextant_apply_duration_seconds")
          .Help(
              "Time that the data plane took for a change (apply), or to compare and repair "
              "everything (reconcile).")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& writes = BuildCounter()
                                                        .Name("sextant_dataplane_writes_total")
                                                        .Help("Changes sent to the data plane.")
                                                        .Register(registry);
  prometheus::Family<prometheus::Counter>& failures =
      BuildCounter()
          .Name("sextant_apply_failures_total")
          .Help("Calls of the data plane that failed as a whole.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& errors =
      BuildCounter()
          .Name("sextant_apply_errors_total")
          .Help(
              "Objects that the data plane could not make so, and calls that failed as a whole, "
              "each try counted, by error.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& resyncs =
      BuildCounter()
          .Name("sextant_resyncs_total")
          .Help("Reconciles of everything, by reason.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& reloads =
      BuildCounter()
          .Name("sextant_manifest_reloads_total")
          .Help("Times that manifests were read again after an event, by what came of it.")
          .Register(registry);
  Histogram& lag = BuildHistogram()
                       .Name("sextant_event_loop_lag_seconds")
                       .Help("How late the agent's loop came to a timer, once a second.")
                       .Register(registry)
                       .Add({}, kLagBuckets);
  PlainTraffic plain;
  bool per_node;
  bool counters_failed = false;
};

Metrics::Metrics(bool per_node) : state_(std::make_unique<State>(per_node)) {}
Metrics::~Metrics() = default;

void Metrics::applied(const LastApply& call, const Result<dataplane::ApplyReport>& report) {
  const std::string kind(call.kind);
  state_->durations.Add({{"kind", kind}}, kApplyBuckets).Observe(seconds(call.duration));
  if (call.reason != Reason::kChange)
    state_->resyncs.Add({{"reason", label(call.reason)}}).Increment();
  if (!report) {
    state_->failures.Add({{"kind", kind}}).Increment();
    state_->errors.Add({{"error", error_label(report.error())}}).Increment();
    return;
  }
  state_->writes.Add({{"kind", kind}}).Increment(number(report->writes));
  for (const auto& problem : report->problems)
    state_->errors.Add({{"error", error_label(problem.error)}}).Increment();
}

void Metrics::reloaded(ReloadResult result) {
  state_->reloads.Add({{"result", label(result)}}).Increment();
}

void Metrics::loop_lagged(Clock::duration lag) { state_->lag.Observe(seconds(lag)); }

void Metrics::adopted(dataplane::Dataplane& dataplane) {
  if (const auto counters = dataplane.counters()) state_->plain.take(*counters, true);
}

std::string Metrics::text(const Reconciler& reconciler, const SourceState& source) {
  auto& state = *state_;
  const auto counters = reconciler.dataplane().counters();
  if (!counters && !state.counters_failed)
    log::warn({{"error", counters.error()}}, "metrics go without the data plane's counters: {}",
              counters.error().message());
  state.counters_failed = !counters;
  MetricText text;
  const auto policies = labelled_policies(reconciler.resolver());
  write_state(text, reconciler, source, policies);
  text.gauge("sextant_counters_readable",
             "Whether the data plane's counters could be read for this scrape.", counters ? 1 : 0);
  if (counters) {
    state.plain.take(*counters, false);
    write_traffic(text, reconciler, policies, *counters, state.plain, state.per_node);
  }
  text.add(state.registry);
  write_process(text);
  return text.finish();
}

HttpResponse metrics_response(Metrics& metrics, const Reconciler& reconciler,
                              const SourceState& source) {
  return {.body = metrics.text(reconciler, source),
          .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace sextant::agent
