#include "injector/daemon/injector_daemon.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <filesystem>
#include <utility>

#include "agent/http_server.h"
#include "agent/lock.h"
#include "base/log.h"
#include "injector/daemon/api.h"
#include "injector/daemon/injector.h"

namespace sextant::injector {
namespace {

namespace asio = boost::asio;

/// One injector a socket and a folder: two would overwrite each other's state.
Result<agent::AgentLock> lock(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error).string();
  auto taken = agent::AgentLock::take(
      path, fmt::format("sextant-injector:{:016x}", std::hash<std::string>()(whole)));
  if (taken) return taken;
  auto failed = taken.error();
  failed.operation = "become the injector of";
  if (failed.errno_value == 0) {  // not the system's words
    failed.cause = "another one has it";
    failed.hint = "stop that one, or give this one another --socket and --state";
  }
  return tl::unexpected(std::move(failed));
}

}  // namespace

struct InjectorDaemon::State {
  State(DaemonOptions from, agent::AgentLock socket, agent::AgentLock state)
      : options(std::move(from)), socket_lock(std::move(socket)), state_lock(std::move(state)) {}

  void follow_signals();
  void reload() const;

  DaemonOptions options;
  agent::AgentLock socket_lock;
  agent::AgentLock state_lock;
  asio::io_context io{1};
  std::unique_ptr<Injector> injector;
  asio::signal_set signals{io, SIGTERM, SIGINT, SIGHUP};
  std::unique_ptr<agent::HttpServer> server;
  std::unique_ptr<agent::HttpServer> metrics_server;
};

void InjectorDaemon::State::follow_signals() {
  signals.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      follow_signals();
      return;
    }
    log::info("ending on {}; policies that the peers keep, for the time that they agreed to: {}",
              signal == SIGINT ? "SIGINT" : "SIGTERM", injector->size());
    io.stop();
  });
}

void InjectorDaemon::State::reload() const {
  const auto config = load_speaker(options.settings);
  const auto done = config ? injector->configure(*config) : tl::unexpected(config.error());
  if (!done)
    log::error({{"error", done.error()}}, "{}", done.error().message());
  else
    log::info("the settings of {} are read again", options.settings);
}

InjectorDaemon::InjectorDaemon(std::unique_ptr<State> state) : state_(std::move(state)) {}

InjectorDaemon::~InjectorDaemon() = default;

Result<std::unique_ptr<InjectorDaemon>> InjectorDaemon::make(const DaemonOptions& options) {
  auto config = load_speaker(options.settings);
  if (!config) return tl::unexpected(config.error());
  auto socket_lock = lock(options.socket);
  if (!socket_lock) return tl::unexpected(socket_lock.error());
  auto state_lock = lock(options.state + "/policies");
  if (!state_lock) return tl::unexpected(state_lock.error());
  auto store = PolicyStore::open(options.state);
  if (!store) return tl::unexpected(store.error());
  const auto kept = store->policies().size();

  auto state = std::make_unique<State>(options, std::move(*socket_lock), std::move(*state_lock));
  state->injector = std::make_unique<Injector>(state->io, std::move(*config), std::move(*store));
  auto& injector = *state->injector;
  if (auto started = injector.start(); !started) return tl::unexpected(started.error());
  auto server = agent::HttpServer::listen(state->io, options.socket, make_api(injector),
                                          {.body_bytes = kMostRequestBytes});
  if (!server) return tl::unexpected(server.error());
  state->server = std::move(*server);
  if (options.metrics_listen) {
    auto metrics =
        agent::HttpServer::listen(state->io, *options.metrics_listen, make_metrics_api(injector));
    if (!metrics) return tl::unexpected(metrics.error());
    state->metrics_server = std::move(*metrics);
    log::info("/metrics is served on {}", state->metrics_server->where());
  }
  std::string places;
  for (const auto& place : injector.speaker().listening())
    places += (places.empty() ? " on " : ", ") + place;
  log::info("BGP{}, AS {}, identifier {}; policies from before: {}", places,
            injector.speaker().config().asn, injector.speaker().config().router_id.to_string(),
            kept);
  return std::unique_ptr<InjectorDaemon>(new InjectorDaemon(std::move(state)));
}

void InjectorDaemon::run(const std::function<void()>& ready) {
  state_->follow_signals();
  if (ready) ready();
  state_->io.run();
}

void InjectorDaemon::stop() { state_->io.stop(); }

}  // namespace sextant::injector
