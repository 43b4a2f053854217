// Keeps the status of this node's own SRv6Node as the agent reports it.
//
// The object is made where there is none: with an empty spec, owned by the Node (so that it goes
// with it), labelled as made by Sextant. One that a user made keeps its spec. Status is written by
// server-side apply, only where it differs from what is there, at the pace of write_pace.h. Times
// are kept from what an earlier agent wrote: the object is read before the first write. An object
// that is deleted, or whose status somebody changes, is written again.
//
// One thread, the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "kube/client.h"
#include "sources/kubernetes/node_status.h"

namespace sextant::kubernetes {

struct StatusWriterOptions {
  std::string node;
  std::function<NodeStatus()> report;     // asked when it is time to write
  std::function<std::string()> node_uid;  // of the Node; empty while it is not known
  std::function<std::size_t()> nodes;     // in the cluster: for the pace
  /// How many nodes have the policy: they have the same to tell of it.
  std::function<std::size_t(const overlay::ObjectKey&)> headends;
  std::uint32_t seed = std::random_device()();  // of the jitter
};

class StatusWriter {
 public:
  StatusWriter(kube::Client& client, StatusWriterOptions options);
  ~StatusWriter();
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  void start();
  /// The report may be another one now.
  void changed();
  /// Once, at once, whatever the pace says: the agent's last word. Best effort.
  [[nodiscard]] kube::Task<void> write_now();
  /// How often the status was written, for tests and metrics.
  [[nodiscard]] std::uint64_t writes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kubernetes
