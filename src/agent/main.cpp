// sextantd: wires the command line, the data plane and the loop.
#include <csignal>
#include <exception>

#include "agent/daemon.h"
#include "agent/dataplanes.h"
#include "agent/lock.h"
#include "agent/options.h"
#include "agent/process.h"
#include "base/log.h"
#include "base/version.h"

namespace sextant::agent {
namespace {

Result<void> run(const Options& options) {
  auto dataplane = make_dataplane(options);  // asks for privileges first, and touches nothing yet
  if (!dataplane) return tl::unexpected(dataplane.error());
  const auto lock = AgentLock::take(options.socket);
  if (!lock) return tl::unexpected(lock.error());
  if (options.remove) {
    auto removed = (*dataplane)->remove_all();
    if (removed) log::info("everything that Sextant owned on this node is removed");
    return removed;
  }
  log::info("sextantd {} on node {}, data plane {}", version(), options.node, (*dataplane)->name());
  const auto daemon = Daemon::make(options, std::move(*dataplane));
  if (!daemon) return tl::unexpected(daemon.error());
  (*daemon)->run([] { notify_service_manager("READY=1"); });
  notify_service_manager("STOPPING=1");
  return {};
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
    if (const auto done = agent::run(*line.options); !done) {
      log::critical({{"error", done.error()}}, "{}", done.error().message());
      return 1;
    }
  } catch (const std::exception& bug) {
    log::critical("a defect of sextantd: {}", bug.what());
    return 1;
  }
  return 0;
}
