// Writes what all headends make of each SRv6Policy into that object's status: one agent for all,
// the holder of the Lease `sextant-aggregator`.
//
//   SRv6Nodes' status  -> HeadendReport -> HeadendBoard --+
//   nodes of the intent -----------------> HeadendBoard --+--> summarize() --> differs?
//   SRv6Policies       -> PolicyObject -------------------+       --> PATCH srp/NAME/status
//
// A report marks the policies of which it says something else than before, an edit its policy, a
// node that comes, goes or gets other labels or addresses all of them. Agenda says when the marked
// ones are looked at.
//
// Only the leader follows statuses and decodes them. Its patch carries the resourceVersion that was
// read, so that neither a user's edit in between nor an earlier leader's late write is lost: a
// conflict means that the object is looked at again.
//
// Cost: every agent watches SRv6Policies, so a write is one event a node. All together at most
// 50 writes a second and 50,000 events a second (5,000 nodes: 10 writes a second, 1,000 policies in
// 100 s). One policy is looked at, and so written, at most once a second. The evaluation takes at
// most a tenth of the loop's time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kube/client.h"
#include "sources/kubernetes/policy_summary.h"

namespace sextant::kubernetes {

struct AggregatorOptions {
  std::string ns;        // of the Lease
  std::string identity;  // of this agent: the node's name
  /// None: by the number of nodes at the start, see start().
  std::optional<std::chrono::milliseconds> lease_duration = {};
  std::function<const NodesByName&()> nodes;
  /// A policy's conditions have changed, for events: what was written before, and now.
  std::function<void(const PolicyObject& before, const PolicySummary& now)> on_write;
  std::function<void(bool leading)> on_lead;
};

class Aggregator {
 public:
  Aggregator(kube::Client& client, AggregatorOptions options);
  ~Aggregator();
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  /// Precondition: the nodes are known. Candidates ask for the lease as often as it may have run
  /// out, so in a large cluster it lasts longer.
  void start();
  /// The nodes of the intent may be others now.
  void nodes_changed();
  [[nodiscard]] bool leading() const;
  [[nodiscard]] std::uint64_t writes() const;
  /// Gives the lease up.
  [[nodiscard]] kube::Task<void> release();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kubernetes
