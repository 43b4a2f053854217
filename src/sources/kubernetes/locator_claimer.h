// Claims a locator for this node from a pool, and keeps it.
//
//   the node has no locator   choose a block that nobody has, and create its SRv6Locator
//                               created      ours
//                               it exists    somebody was faster: choose again; ours from before:
//                                            keep it
//                               none left    say so, and try again when something changes
//   its locator is our claim  keep it; owned by an earlier Node of this name: adopt it
//   it is another one         (annotation, IPPool, SRv6Node) release our claims
//
// The claim is owned by the Node, and Kubernetes' garbage collector removes it with the Node. A
// node that was replaced under the same name adopts the claim of its predecessor, and keeps its
// SIDs. Should the collector be faster, the claim is made again, and the same block is asked for
// first.
//
// A pool that is changed: what was claimed from the old pool stays, since all SIDs of the node hang
// on it. `kubectl delete srv6locator NAME` makes its node claim again, from the new pool.
//
// Requests: one create where a node is new; one get where its claim is there. No list of all
// claims: the source follows them anyway.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/client.h"
#include "sources/kubernetes/locator_claim.h"

namespace sextant::kubernetes {

/// What the source knows.
struct LocatorView {
  bool known = false;               // the source has been read, and the Node is there
  std::string node_uid;             // of the Node
  std::optional<IpPrefix> current;  // the node's locator, from wherever it comes
  /// What a block must not overlap: other nodes' locators, pod prefixes and addresses.
  std::vector<IpPrefix> taken;
};

struct LocatorClaimerOptions {
  std::string node;
  LocatorPool pool;
  std::function<LocatorView()> view;
  std::function<void()> on_change;  // of status()
};

class LocatorClaimer {
 public:
  enum class Phase : std::uint8_t {
    kWaiting,    // for the source, or the Node
    kNotNeeded,  // another locator is there
    kClaimed,
    kExhausted,
    kFailed,  // the API server refuses or is away; tried again
  };
  struct Status {
    Phase phase = Phase::kWaiting;
    std::string block;    // kClaimed
    std::string message;  // for people
    friend bool operator==(const Status&, const Status&) = default;
  };

  LocatorClaimer(kube::Client& client, LocatorClaimerOptions options);
  ~LocatorClaimer();
  LocatorClaimer(const LocatorClaimer&) = delete;
  LocatorClaimer& operator=(const LocatorClaimer&) = delete;

  void start();
  /// The view may be another one now.
  void changed();
  [[nodiscard]] const Status& status() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kubernetes
