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
#include "agent/bgp_outcomes.h"
#include "agent/cluster_link.h"
#include "agent/http_server.h"
#include "agent/lock.h"
#include "agent/make_source.h"
#include "agent/metrics.h"
#include "agent/node_moves.h"
#include "agent/node_report.h"
#include "agent/pace.h"
#include "agent/reconciler.h"
#include "base/log.h"
#include "sources/bgp/bgp_source.h"

namespace sextant::agent {
namespace {

namespace asio = boost::asio;

constexpr RepairPace::Limits kRepairs{.burst = 5,
                                      .shortest = std::chrono::milliseconds(200),
                                      .longest = std::chrono::seconds(2),
                                      .quiet = std::chrono::seconds(10)};
constexpr std::chrono::minutes kStormReport{1};  // between lines about a lasting storm
constexpr std::chrono::seconds kListenRetry{1};
constexpr std::chrono::seconds kLagInterval{1};
constexpr std::chrono::seconds kParting{3};
constexpr std::chrono::seconds kTellAgain{5};

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
  State(const Options& from, std::unique_ptr<dataplane::Dataplane> dataplane)
      : options(from),
        metrics(from.metrics_per_node),
        reconciler({.node = from.node,
                    .max_segments = from.max_segments,
                    .sid_prefixes = from.sid_prefixes},
                   std::move(dataplane),
                   [this](const auto& call, const auto& report) { metrics.applied(call, report); }),
        moves(from.node) {}

  void begin();
  void take(const overlay::IntentChange& change);
  void take_now(const overlay::IntentChange& change);
  void hear(const Result<overlay::IntentChange>& change);
  void tell_status(bool nodes);
  void report_damage();
  void schedule_retry();
  void hurry_retry();
  void arm_retry(Clock::duration delay);
  void await_lingering();
  void await_moves();
  void tell_forwards();

  [[nodiscard]] Result<void> listen();
  asio::awaitable<void> keep_listening();
  asio::awaitable<void> follow_damage();
  asio::awaitable<void> follow_signals();
  asio::awaitable<void> patience();
  asio::awaitable<void> follow_lag();

  Options options;
  asio::io_context io{1};
  std::unique_ptr<sources::Source> source;
  kubernetes::KubernetesSource* kubernetes = nullptr;
  bgp_source::BgpSource* bgp = nullptr;
  Metrics metrics;
  Reconciler reconciler;
  std::unique_ptr<ClusterLink> link;  // where the source is Kubernetes
  bool leaves = false;                // the node, at the agent's end
  asio::signal_set signals{io, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer retry{io};
  asio::steady_timer lingering{io};
  Hooks hooks;
  asio::steady_timer telling{io};
  NodeMoves moves;
  asio::steady_timer moving{io};
  bool retry_armed = false;
  bool hold_logged = false;
  Backoff backoff;
  RepairPace repairs{kRepairs};
  std::optional<Clock::time_point> storm_told;
  std::size_t repairs_untold = 0;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpServer> metrics_server;
};

void Daemon::State::begin() {
  if (reconciler.begun()) return;
  const bool node_known = source->intent().nodes.contains(options.node);
  if (may_begin({.loaded = source->loaded(),
                 .node_known = node_known,
                 .errors = source->in_doubt(options.node),
                 .has_forwarding = reconciler.dataplane().has_forwarding()})) {
    if (!node_known)
      log::warn("node {} is not among the objects of {}: it gets no overlay", options.node,
                source->place());
    reconciler.begin();
    metrics.adopted(reconciler.dataplane());
    schedule_retry();
  } else if (source->loaded() && !std::exchange(hold_logged, true)) {
    log::warn("{}: what an earlier agent left keeps forwarding, unchanged, until then",
              hold_reason(source->state(), options.node));
  }
}

void Daemon::State::take(const overlay::IntentChange& change) {
  if (!reconciler.begun() || change.nodes.empty()) {
    take_now(change);
    return;
  }
  auto rest = change;
  moves.hold_back(rest, reconciler.resolver().intent(), Clock::now());
  take_now(rest);
  await_moves();
}

void Daemon::State::take_now(const overlay::IntentChange& change) {
  if (!change.empty()) reconciler.take(change);
  begin();
  if (!change.empty()) hurry_retry();
  await_lingering();
  tell_forwards();
}

void Daemon::State::hear(const Result<overlay::IntentChange>& change) {
  metrics.reloaded(!change           ? ReloadResult::kFailed
                   : change->empty() ? ReloadResult::kUnchanged
                                     : ReloadResult::kChanged);
  if (!change) return;
  take(*change);
  tell_status(!change->nodes.empty());
}

/// Something that the cluster, or who injected policies, is told may be another one now.
void Daemon::State::tell_status(bool nodes) {
  if (bgp != nullptr) bgp->outcomes_changed();
  if (link && source->loaded()) link->changed(nodes);
}

void Daemon::State::arm_retry(Clock::duration delay) {
  retry_armed = true;
  retry.expires_after(delay);  // ends an earlier wait
  retry.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    retry_armed = false;
    reconciler.reconcile(Reason::kRetry);
    tell_status(false);
    schedule_retry();
    tell_forwards();
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

void Daemon::State::await_lingering() {
  const auto end = reconciler.lingering_until();
  if (!end) return;
  lingering.expires_at(*end);  // ends an earlier wait
  lingering.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    reconciler.expire_lingering(Clock::now());
    await_lingering();
  });
}

void Daemon::State::await_moves() {
  const auto end = moves.next();
  if (!end) return;
  moving.expires_at(*end);  // ends an earlier wait
  moving.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    take_now(moves.due(Clock::now()));
    tell_status(true);
    await_moves();
  });
}

void Daemon::State::tell_forwards() {
  if (!hooks.forwards || !make_progress(reconciler, false, {}).forwards) return;
  if (hooks.forwards(reconciler.resolver().forwarding().pod_prefixes)) return;
  telling.expires_after(kTellAgain);  // ends an earlier wait
  telling.async_wait([this](const boost::system::error_code& error) {
    if (!error) tell_forwards();
  });
}

Result<void> Daemon::State::listen() {
  auto made = HttpServer::listen(io, options.socket,
                                 make_api(
                                     reconciler, [this] { return source->state(); }, metrics, bgp));
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
    tell_status(false);
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
      source->reload();
      continue;
    }
    if (signal == SIGTERM && link) leaves = co_await link->leaves();
    log::info("ending on {}; {}", signal == SIGINT ? "SIGINT" : "SIGTERM",
              leaves ? "Sextant was deleted from the cluster, and leaves this node"
                     : "forwarding stays as it is");
    if (link) asio::co_spawn(io, link->part(), [this](const std::exception_ptr&) { io.stop(); });
    if (link) co_await patience();
    io.stop();
  }
}

/// For what the cluster is told at the end: it may be away.
asio::awaitable<void> Daemon::State::patience() {
  asio::steady_timer timer(io, kParting);
  co_await timer.async_wait(asio::use_awaitable);
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
                                             std::unique_ptr<dataplane::Dataplane> dataplane,
                                             Hooks hooks) {
  auto state = std::make_unique<State>(options, std::move(dataplane));
  state->hooks = std::move(hooks);
  auto made = make_source(options, state->io, state->reconciler.dataplane().has_forwarding());
  if (!made) return tl::unexpected(made.error());
  state->source = std::move(made->source);
  state->kubernetes = made->kubernetes;
  state->bgp = made->bgp;
  auto* const self = state.get();
  if (made->bgp != nullptr) {
    made->bgp->tell_outcomes([self] { return make_bgp_outcomes(self->reconciler); });
  }
  if (const auto listening = state->listen(); !listening) {
    if (!is_full_disk(listening.error())) return tl::unexpected(listening.error());
    log::error({{"error", listening.error()}},
               "{}: the node is programmed, but `sextant` cannot ask; tried again every second",
               listening.error().message());
  }
  if (options.metrics_listen) {
    auto metrics_server = HttpServer::listen(
        state->io, *options.metrics_listen,
        make_metrics_api(
            state->reconciler, [self] { return self->source->state(); }, state->metrics));
    if (!metrics_server) return tl::unexpected(metrics_server.error());
    state->metrics_server = std::move(*metrics_server);
    log::info("/metrics is served on {}", state->metrics_server->where());
  }
  return std::unique_ptr<Daemon>(new Daemon(std::move(state)));
}

void Daemon::run(const std::function<void()>& ready) {
  auto& state = *state_;
  if (state.kubernetes != nullptr)
    state.link =
        std::make_unique<ClusterLink>(*state.kubernetes, *state.source, state.reconciler,
                                      state.options, state.reconciler.dataplane().has_forwarding());
  state.reconciler.take(overlay::diff(overlay::Intent{}, state.source->intent()));
  state.begin();
  state.tell_forwards();
  asio::co_spawn(state.io, state.follow_signals(), rethrow);
  state.source->start([&state](const auto& change) { state.hear(change); });
  if (state.link) state.link->start();
  asio::co_spawn(state.io, state.follow_lag(), rethrow);
  if (!state.server) asio::co_spawn(state.io, state.keep_listening(), rethrow);
  if (state.reconciler.dataplane().event_fd() >= 0)
    asio::co_spawn(state.io, state.follow_damage(), rethrow);
  if (ready) ready();
  state.io.run();
}

void Daemon::stop() { state_->io.stop(); }

bool Daemon::leaves() const { return state_->leaves; }

}  // namespace sextant::agent
