// sextantd: wires the command line, the data plane and the loop.
#include <csignal>
#include <exception>
#include <optional>

#include "agent/daemon.h"
#include "agent/dataplanes.h"
#include "agent/lock.h"
#include "agent/options.h"
#include "agent/process.h"
#include "base/log.h"
#include "base/version.h"
#include "footprint/uninstall.h"
#include "injector/daemon/injector_daemon.h"
#include "installation/network_config.h"

namespace sextant::agent {
namespace {

/// Removes everything of Sextant from the node, the CNI plugin's files too.
Result<void> leave(const Options& options) {
  footprint::UninstallOptions uninstall{.force = true};
  uninstall.places.socket = options.socket;
  const auto report = footprint::uninstall(uninstall);
  if (!report) return tl::unexpected(report.error());
  log::info("{} things of Sextant are removed from this node", report->removed.size());
  for (const auto& item : report->remaining)
    log::warn("still there: {} {}", footprint::to_string(item.kind), item.name);
  for (const auto& error : report->errors) log::warn("{}", error.message());
  return {};
}

/// Whether the agent is to leave the node for good.
Result<bool> run(const Options& options) {
  auto dataplane = make_dataplane(options);  // asks for privileges first, and touches nothing yet
  if (!dataplane) return tl::unexpected(dataplane.error());
  const auto lock = AgentLock::take(options.socket);
  if (!lock) return tl::unexpected(lock.error());
  if (options.remove) {
    auto removed = (*dataplane)->remove_all();
    if (!removed) return tl::unexpected(removed.error());
    log::info("everything that Sextant owned on this node is removed");
    return false;
  }
  log::info("sextantd {} on node {}, data plane {}", version(), options.node, (*dataplane)->name());
  std::optional<installation::NetworkConfig> network;
  Hooks hooks;
  if (!options.cni_config_folder.empty()) {
    network.emplace(options.cni_config_folder, options.socket, options.max_segments);
    hooks.forwards = [&network](const auto& pod_prefixes) {
      return network->publish(pod_prefixes);
    };
  }
  const auto daemon = Daemon::make(options, std::move(*dataplane), std::move(hooks));
  if (!daemon) return tl::unexpected(daemon.error());
  (*daemon)->run([] { notify_service_manager("READY=1"); });
  notify_service_manager("STOPPING=1");
  return (*daemon)->leaves();
}

/// The policy injector, another daemon in the same program.
Result<bool> inject(const Options& options) {
  const auto daemon = injector::InjectorDaemon::make({.settings = options.injector,
                                                      .socket = options.socket,
                                                      .state = options.state,
                                                      .metrics_listen = options.metrics_listen});
  if (!daemon) return tl::unexpected(daemon.error());
  log::info("sextantd {} as policy injector, for `sextant pi` on {}", version(), options.socket);
  (*daemon)->run([] { notify_service_manager("READY=1"); });
  notify_service_manager("STOPPING=1");
  return false;
}

}  // namespace
}  // namespace sextant::agent

int main(int argc, char** argv) {
  using namespace sextant;
  const auto line = agent::parse_command_line(argc, argv);
  if (!line.options) return line.exit_status;
  agent::start_log(*line.options);
  std::signal(SIGPIPE, SIG_IGN);  // a log reader may go away
  try {
    const auto& options = *line.options;
    // Its lock is free afterwards: the removal takes it.
    const auto ended = options.injector.empty() ? agent::run(options) : agent::inject(options);
    const auto done = ended && *ended ? agent::leave(options) : Result<void>();
    for (const auto* error : {ended ? nullptr : &ended.error(), done ? nullptr : &done.error()}) {
      if (error == nullptr) continue;
      log::critical({{"error", *error}}, "{}", error->message());
      return 1;
    }
  } catch (const std::exception& bug) {
    log::critical("a defect of sextantd: {}", bug.what());
    return 1;
  }
  return 0;
}
