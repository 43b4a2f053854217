// The agent's way back to Kubernetes: what this node tells the cluster, and what it does there.
//
//   Reconciler, source -> node_report -> StatusWriter    this node's SRv6Node
//                                     -> NodeKeeper      the Node's condition and taint
//   source             -> LocatorClaimer                 an SRv6Locator, where there is a pool
//   SRv6Nodes' status  -> Aggregator (one leader)        SRv6Policies' status
//   all of these       -> EventRecorder                  events for operators
//   DaemonSetWatch     -> leaves()                       whether SIGTERM means removal
//                      -> NodeKeeper                     the Node's condition is given up
//
// Nothing here is asked by forwarding: without the API server all of it waits.
#pragma once

#include <memory>

#include "agent/options.h"
#include "agent/reconciler.h"
#include "kube/task.h"

namespace sextant::kubernetes {
class KubernetesSource;
}
namespace sextant::sources {
class Source;
}

namespace sextant::agent {

class ClusterLink {
 public:
  /// All outlive it. `wishes`: what the agent follows, `source` or more. `stood`: an earlier
  /// agent's forwarding was there at the start.
  ClusterLink(kubernetes::KubernetesSource& source, const sources::Source& wishes,
              const Reconciler& reconciler, const Options& options, bool stood);
  ~ClusterLink();
  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;

  void start();
  /// The source, or the data plane, has something new; `nodes`: of the intent's nodes too.
  void changed(bool nodes);
  /// Whether the DaemonSet of this agent was deleted: at its end everything is to be removed. Takes
  /// a moment where the server does not answer.
  [[nodiscard]] kube::Task<bool> leaves();
  /// Before the agent ends: hands the aggregator's lease over; where it leaves the node, gives up
  /// the Node's condition too.
  [[nodiscard]] kube::Task<void> part();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::agent
