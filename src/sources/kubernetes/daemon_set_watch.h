// Tells whether the DaemonSet that runs this agent was deleted: then SIGTERM means that Sextant
// leaves the cluster, and not that it is upgraded.
//
// Decided by what the watch has said before the signal, and not by a question at the end: by then
// the agent's permissions may be gone with the DaemonSet. Without contact to the API server when it
// was deleted, the agent knows nothing of it, and forwarding stays.
#pragma once

#include <memory>
#include <string>

#include "kube/client.h"

namespace sextant::kubernetes {

class DaemonSetWatch {
 public:
  DaemonSetWatch(kube::Client& client, std::string ns, std::string name);
  ~DaemonSetWatch();
  DaemonSetWatch(const DaemonSetWatch&) = delete;
  DaemonSetWatch& operator=(const DaemonSetWatch&) = delete;

  void start();
  /// It was there, and is gone or going; one of that name that came afterwards counts as it.
  [[nodiscard]] bool deleted() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant::kubernetes
