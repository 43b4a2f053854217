// Follows this node's own Node, and keeps its condition NetworkUnavailable and Sextant's start-up
// taint honest: node_readiness.h says when they are what.
//
// Conditions and taints are lists of many writers: they are read, and written with the
// resourceVersion that was read, so that nobody else's entry is lost.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/client.h"
#include "sources/kubernetes/node_readiness.h"

namespace sextant::kubernetes {

class NodeKeeper {
 public:
  /// `progress` is asked whenever the Node or the agent's state may have changed; `on_node` hears
  /// of a Node that came, went or is another one of that name.
  NodeKeeper(kube::Client& client, std::string node, std::function<Progress()> progress,
             std::function<void()> on_node);
  ~NodeKeeper();
  NodeKeeper(const NodeKeeper&) = delete;
  NodeKeeper& operator=(const NodeKeeper&) = delete;

  void start();
  /// The progress may be another one now.
  void changed();
  /// Empty while the Node is not known.
  [[nodiscard]] const std::string& uid() const;
  /// Gives the condition up, since Sextant leaves the node, and sets it no more. Best effort.
  [[nodiscard]] kube::Task<void> release();
  /// Sextant stays after all.
  void resume();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kubernetes
