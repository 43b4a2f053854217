// Tells whether the DaemonSet that runs this agent was deleted, or is going with its Namespace:
// then SIGTERM means that Sextant leaves the cluster, and not that it is upgraded.
//
// Mostly the watch has said so before the signal comes, and that is worth more than a question at
// the end: by then the agent's permissions may be gone with the DaemonSet. But the signal may be
// faster (a Namespace's pods may be deleted before its DaemonSets), so that a stop asks too, and
// where the server refuses to tell, waits a moment for the watch. Without contact to the API server
// when it was deleted, the agent knows nothing of it, and forwarding stays.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "kube/client.h"

namespace sextant::kubernetes {

class DaemonSetWatch {
 public:
  /// `on_change` hears of each change of deleted(), on the loop.
  DaemonSetWatch(kube::Client& client, std::string ns, std::string name,
                 std::function<void(bool deleted)> on_change);
  ~DaemonSetWatch();
  DaemonSetWatch(const DaemonSetWatch&) = delete;
  DaemonSetWatch& operator=(const DaemonSetWatch&) = delete;

  void start();
  /// It was there, and is gone or going, be it with its Namespace; one of that name that came
  /// afterwards counts as it.
  [[nodiscard]] bool deleted() const;
  /// deleted(), as sure as it can be told within `limit`: for the agent's end. At once where the
  /// server says that both are there.
  [[nodiscard]] kube::Task<bool> ask(std::chrono::milliseconds limit);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kubernetes
