// The injector as a daemon: what happens when.
//
//   HTTP on the Unix socket -> api.h -> Injector
//   SIGHUP -> the settings again; SIGTERM, SIGINT -> end, and peers keep the routes (RFC 4724)
//
// One thread, no locks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/listen_address.h"
#include "base/result.h"

namespace sextant::injector {

struct DaemonOptions {
  std::string settings;  // file
  std::string socket;
  std::string state;  // folder
  std::optional<agent::ListenAddress> metrics_listen = {};
};

class InjectorDaemon {
 public:
  /// Reads settings and state, and listens. Errors: any of them; another injector has the socket or
  /// the state.
  [[nodiscard]] static Result<std::unique_ptr<InjectorDaemon>> make(const DaemonOptions& options);
  ~InjectorDaemon();
  InjectorDaemon(const InjectorDaemon&) = delete;
  InjectorDaemon& operator=(const InjectorDaemon&) = delete;

  /// Runs until a signal or stop() ends it. `ready` is called once peers and clients can connect.
  void run(const std::function<void()>& ready = {});
  /// May be called from another thread.
  void stop();

 private:
  struct State;
  explicit InjectorDaemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::injector
