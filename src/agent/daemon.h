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

struct Beginning {
  bool loaded = false;          // the source was read at least once
  bool node_known = false;      // this node is among what it says
  bool errors = false;          // something in it was not understood
  bool has_forwarding = false;  // an earlier agent's forwarding is there
};
/// Whether what the source knows may be made so for the first time. Until then, what an earlier
/// agent left keeps forwarding: that agent knew the last good form of what is bad now, this one
/// does not. On a node without forwarding one bad object does not hold up the others, unless this
/// node itself may be among what is bad. An honest empty source is made so: nothing is wanted,
/// nothing remains.
[[nodiscard]] bool may_begin(const Beginning& beginning);

/// What the program adds, out of rooms that the agent does not know.
struct Hooks {
  /// This node forwards, with these pod prefixes of its own: called at the start and whenever
  /// anything has changed. False: to be called again in a while.
  std::function<bool(const std::vector<IpPrefix>& pod_prefixes)> forwards;
};

class Daemon {
 public:
  /// Reads the manifests and listens on the socket. Errors: the socket, or the watch on the
  /// manifests.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> make(
      const Options& options, std::unique_ptr<dataplane::Dataplane> dataplane, Hooks hooks = {});
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Runs until a signal or stop() ends it. `ready` is called once the first reconcile is done, or
  /// held.
  void run(const std::function<void()>& ready = {});
  /// May be called from another thread.
  void stop();
  /// After run(): whether everything is to be removed from the node, since what runs the agent was
  /// deleted.
  [[nodiscard]] bool leaves() const;

 private:
  struct State;
  explicit Daemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::agent
