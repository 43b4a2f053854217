// The agent's loop: what happens when.
//
//   manifests' descriptor  -> poll -> Reconciler::take
//   data plane's descriptor -> damaged -> Reconciler::reconcile, at a bounded rate under a storm
//   retry timer            -> Reconciler::reconcile, while something could not be applied
//   HTTP on the Unix socket -> api.h
//   SIGHUP -> read all again; SIGTERM, SIGINT -> end, forwarding stays as it is
//
// One thread, no locks. Descriptors given to the loop are made non-blocking.
#pragma once

#include <functional>
#include <memory>

#include "agent/options.h"
#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::agent {

/// Whether what the source knows may be made so for the first time. Until then, what an earlier
/// agent left keeps forwarding: not where the source was never read, nor where this node is missing
/// while `errors` say that something was not understood. An honest empty source is made so: nothing
/// is wanted, nothing remains.
[[nodiscard]] bool may_begin(bool loaded, bool node_known, bool errors);

class Daemon {
 public:
  /// Reads the manifests and listens on the socket. Errors: the socket, or the watch on the
  /// manifests.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> make(
      const Options& options, std::unique_ptr<dataplane::Dataplane> dataplane);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Runs until a signal or stop() ends it. `ready` is called once the first reconcile is done, or
  /// held.
  void run(const std::function<void()>& ready = {});
  /// May be called from another thread.
  void stop();

 private:
  struct State;
  explicit Daemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::agent
