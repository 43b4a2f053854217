#include "agent/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <utility>

#include "agent/api.h"
#include "agent/http_server.h"
#include "agent/lock.h"
#include "agent/metrics.h"
#include "agent/pace.h"
#include "agent/reconciler.h"
#include "base/log.h"
#include "sources/manifest_directory.h"

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
using sources::ManifestDirectory;

constexpr RepairPace::Limits kRepairs{.burst = 5,
                                      .shortest = std::chrono::milliseconds(200),
                                      .longest = std::chrono::seconds(2),
                                      .quiet = std::chrono::seconds(10)};
constexpr std::chrono::minutes kStormReport{1};  // between lines about a lasting storm
constexpr std::chrono::seconds kSourceRetry{1};
constexpr std::chrono::seconds kListenRetry{1};
constexpr std::chrono::seconds kLagInterval{1};

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);  // a bug: it ends run()
}

/// The owner keeps its descriptor; the loop closes the copy.
asio::posix::stream_descriptor watched(asio::io_context& io, int fd) {
  return asio::posix::stream_descriptor(io, ::dup(fd));
}

}  // namespace

bool may_begin(const Beginning& beginning) {
  if (!beginning.loaded) return false;
  return !beginning.errors || (beginning.node_known && !beginning.has_forwarding);
}

struct Daemon::State {
  State(const Options& from, ManifestDirectory directory,
        std::unique_ptr<dataplane::Dataplane> dataplane)
      : options(from),
        manifests(std::move(directory)),
        metrics(from.metrics_per_node),
        reconciler({.node = from.node,
                    .max_segments = from.max_segments,
                    .sid_prefixes = from.sid_prefixes},
                   std::move(dataplane), [this](const auto& call, const auto& report) {
                     metrics.applied(call, report);
                   }) {}

  void begin();
  void take(const overlay::IntentChange& change);
  void count_reload(const Result<overlay::IntentChange>& change);
  void reload();
  void report_damage();
  void schedule_retry();
  void hurry_retry();
  void arm_retry(Clock::duration delay);
  [[nodiscard]] SourceState source_state() const;

  [[nodiscard]] Result<void> listen();
  asio::awaitable<void> keep_listening();
  asio::awaitable<void> follow_manifests();
  asio::awaitable<void> follow_damage();
  asio::awaitable<void> follow_signals();
  asio::awaitable<void> follow_lag();

  Options options;
  asio::io_context io{1};
  ManifestDirectory manifests;
  Metrics metrics;
  Reconciler reconciler;
  asio::signal_set signals{io, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer retry{io};
  bool retry_armed = false;
  bool hold_logged = false;
  Backoff backoff;
  RepairPace repairs{kRepairs};
  std::optional<Clock::time_point> storm_told;
  std::size_t repairs_untold = 0;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpServer> metrics_server;
};

SourceState Daemon::State::source_state() const {
  return {.kind = "manifests",
          .path = options.manifests,
          .loaded = manifests.loaded(),
          .findings = manifests.findings()};
}

void Daemon::State::begin() {
  if (reconciler.begun()) return;
  const auto source = source_state();
  const bool node_known = manifests.intent().nodes.contains(options.node);
  const bool errors = std::any_of(
      source.findings.begin(), source.findings.end(),
      [](const auto& finding) { return finding.severity == sources::Severity::kError; });
  if (may_begin({.loaded = source.loaded,
                 .node_known = node_known,
                 .errors = errors,
                 .has_forwarding = reconciler.dataplane().has_forwarding()})) {
    if (!node_known)
      log::warn("node {} is not among the manifests in {}: it gets no overlay", options.node,
                options.manifests);
    reconciler.begin();
    metrics.adopted(reconciler.dataplane());
    schedule_retry();
  } else if (!std::exchange(hold_logged, true)) {
    log::warn(
        "not everything in {} can be read, or node {} is not in it: what an earlier agent left "
        "keeps forwarding, unchanged, until that is mended",
        options.manifests, options.node);
  }
}

void Daemon::State::take(const overlay::IntentChange& change) {
  if (!change.empty()) reconciler.take(change);
  begin();
  if (!change.empty()) hurry_retry();
}

void Daemon::State::count_reload(const Result<overlay::IntentChange>& change) {
  metrics.reloaded(!change           ? ReloadResult::kFailed
                   : change->empty() ? ReloadResult::kUnchanged
                                     : ReloadResult::kChanged);
}

void Daemon::State::reload() {
  log::info("reading all manifests in {} again", options.manifests);
  const auto change = manifests.reload();
  count_reload(change);
  if (change)
    take(*change);
  else
    log::error({{"error", change.error()}}, "{}", change.error().message());
}

void Daemon::State::arm_retry(Clock::duration delay) {
  retry_armed = true;
  retry.expires_after(delay);  // ends an earlier wait
  retry.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    retry_armed = false;
    reconciler.reconcile(Reason::kRetry);
    schedule_retry();
  });
}

void Daemon::State::schedule_retry() {
  if (!reconciler.wants_retry()) {
    backoff.reset();
    retry.cancel();
    retry_armed = false;
  } else if (!retry_armed) {
    arm_retry(backoff.next(reconciler.reconcile_cost()));
  }
}

/// Something has changed: what failed may work now.
void Daemon::State::hurry_retry() {
  if (reconciler.wants_retry()) {
    backoff.reset();
    const auto delay = backoff.next(reconciler.reconcile_cost());
    if (!retry_armed || retry.expiry() > Clock::now() + delay) arm_retry(delay);
  } else {
    schedule_retry();
  }
}

Result<void> Daemon::State::listen() {
  auto made = HttpServer::listen(io, options.socket,
                                 make_api(
                                     reconciler, [this] { return source_state(); }, metrics));
  if (!made) return tl::unexpected(made.error());
  server = std::move(*made);
  return {};
}

/// The socket could not be made at start: the API comes when there is room for it.
asio::awaitable<void> Daemon::State::keep_listening() {
  asio::steady_timer pause(io);
  while (!server) {
    pause.expires_after(kListenRetry);
    co_await pause.async_wait(asio::use_awaitable);
    if (listen()) log::info("the API is served on {} now", options.socket);
  }
}

asio::awaitable<void> Daemon::State::follow_manifests() {
  auto descriptor = watched(io, manifests.fd());
  asio::steady_timer pause(io);
  for (;;) {
    co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
    const auto change = manifests.poll();
    count_reload(change);
    if (change) {
      take(*change);
      continue;
    }
    log::error({{"error", change.error()}}, "{}; the last good state stays",
               change.error().message());
    pause.expires_after(kSourceRetry);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Daemon::State::follow_damage() {
  auto descriptor = watched(io, reconciler.dataplane().event_fd());
  asio::steady_timer pause(io);
  for (;;) {
    co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
    if (!reconciler.dataplane().damaged() || !reconciler.begun()) continue;
    for (;;) {
      const auto wait = repairs.take(Clock::now(), reconciler.reconcile_cost());
      if (wait <= Clock::duration::zero()) break;
      pause.expires_after(wait);
      co_await pause.async_wait(asio::use_awaitable);
    }
    report_damage();
    reconciler.reconcile(Reason::kDamage, repairs.is_storm());
    hurry_retry();
  }
}

/// A few repairs are told one by one, a storm once a minute.
void Daemon::State::report_damage() {
  const auto damage = reconciler.dataplane().damage();
  if (!repairs.is_storm()) {
    storm_told.reset();
    repairs_untold = 0;
    log::info({{"damage", damage}}, "damage, to be repaired: {}", damage);
    return;
  }
  ++repairs_untold;
  const auto now = Clock::now();
  if (storm_told && now - *storm_told < kStormReport) return;
  log::warn({{"damage", damage}, {"repairs", repairs_untold}},
            "somebody keeps changing what Sextant owns: repairs are slowed down to one in up to {} "
            "s, {} since the last word about it; last seen: {}",
            std::chrono::duration_cast<std::chrono::seconds>(kRepairs.longest).count(),
            repairs_untold, damage);
  storm_told = now;
  repairs_untold = 0;
}

asio::awaitable<void> Daemon::State::follow_signals() {
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal == SIGHUP) {
      reload();
      continue;
    }
    log::info("ending on {}; forwarding stays as it is", signal == SIGINT ? "SIGINT" : "SIGTERM");
    io.stop();
  }
}

asio::awaitable<void> Daemon::State::follow_lag() {
  asio::steady_timer timer(io);
  for (;;) {
    timer.expires_after(kLagInterval);
    co_await timer.async_wait(asio::use_awaitable);
    metrics.loop_lagged(Clock::now() - timer.expiry());
  }
}

Daemon::Daemon(std::unique_ptr<State> state) : state_(std::move(state)) {}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::make(const Options& options,
                                             std::unique_ptr<dataplane::Dataplane> dataplane) {
  auto manifests = ManifestDirectory::open(options.manifests);
  if (!manifests) return tl::unexpected(manifests.error());
  auto state = std::make_unique<State>(options, std::move(*manifests), std::move(dataplane));
  auto* const self = state.get();
  const auto source = [self] { return self->source_state(); };
  if (const auto listening = state->listen(); !listening) {
    if (!is_full_disk(listening.error())) return tl::unexpected(listening.error());
    log::error({{"error", listening.error()}},
               "{}: the node is programmed, but `sextant` cannot ask; tried again every second",
               listening.error().message());
  }
  if (options.metrics_listen) {
    auto metrics_server =
        HttpServer::listen(state->io, *options.metrics_listen,
                           make_metrics_api(state->reconciler, source, state->metrics));
    if (!metrics_server) return tl::unexpected(metrics_server.error());
    state->metrics_server = std::move(*metrics_server);
    log::info("/metrics is served on {}", state->metrics_server->where());
  }
  return std::unique_ptr<Daemon>(new Daemon(std::move(state)));
}

void Daemon::run(const std::function<void()>& ready) {
  auto& state = *state_;
  state.reconciler.take(overlay::diff(overlay::Intent{}, state.manifests.intent()));
  state.begin();
  asio::co_spawn(state.io, state.follow_signals(), rethrow);
  asio::co_spawn(state.io, state.follow_manifests(), rethrow);
  asio::co_spawn(state.io, state.follow_lag(), rethrow);
  if (!state.server) asio::co_spawn(state.io, state.keep_listening(), rethrow);
  if (state.reconciler.dataplane().event_fd() >= 0)
    asio::co_spawn(state.io, state.follow_damage(), rethrow);
  if (ready) ready();
  state.io.run();
}

void Daemon::stop() { state_->io.stop(); }

}  // namespace sextant::agent
