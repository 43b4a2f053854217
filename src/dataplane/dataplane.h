// The interface of a data plane: makes a Forwarding so, reads it back, repairs, counts.
//
// Flow: agent -> Dataplane -> kernel (or VPP). One thread, the agent's loop. Calls block for as
// long as the kernel takes (milliseconds); none waits for the network. Ownership: a data plane
// touches only what it can prove to own, and keeps everything else as it is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

/// What was probed at start and what was chosen because of it, for `sextant status`.
struct Capability {
  std::string name;    // "decapsulation"
  std::string choice;  // "End.DT6 in a dedicated table"
  std::string reason;  // "the kernel has no VRF device"
};

/// A part that could not be made so. The rest was.
struct ApplyProblem {
  std::string object;  // "route 10.0.1.0/24", "path fd12::1000 color 4 IPv4"
  Error error;
};

struct ApplyReport {
  std::size_t writes = 0;  // changes sent; 0 where everything was so already
  std::vector<ApplyProblem> problems;
  [[nodiscard]] bool ok() const { return problems.empty(); }
};

struct Count {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // IP and up: paths those of inner packets, SIDs of outer ones
  Count& operator+=(const Count& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
  friend bool operator==(const Count&, const Count&) = default;
};

/// What a path has carried. The counts live with the path in the data plane: neither an edit of its
/// lists nor the end of the agent sets them back.
struct PathCount {
  Count all;                 // also by lists that edits have taken away: it only grows
  std::vector<Count> lists;  // in the order of Path::lists; one that an edit leaves keeps its
                             // count, a new one begins at 0
};

/// What is not counted is not in the maps: that is not the same as a count of 0.
struct Counters {
  std::map<srv6::Sid, Count> local_sids;
  std::map<overlay::PathKey, PathCount> paths;
  std::map<std::string, Count> dropped;  // at the edge of the SID domain, by reason: "pod_to_sid"
};

class Dataplane {
 public:
  virtual ~Dataplane() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;  // "linux"
  [[nodiscard]] virtual const std::vector<Capability>& capabilities() const = 0;

  /// Reads what is there, and writes only what differs from `wanted`: at start (adopting what an
  /// earlier agent left), after damage, after lost events. Objects of ours that `wanted` does not
  /// have are removed last. Errors: only where nothing could be read or written at all (no
  /// privilege).
  [[nodiscard]] virtual Result<ApplyReport> reconcile(const overlay::Forwarding& wanted) = 0;

  /// Whether an earlier agent's forwarding is there, which reconcile() would adopt.
  [[nodiscard]] virtual bool has_forwarding() const { return false; }

  /// The change on top of what was reconciled or applied last: make-before-break, no packet lost.
  [[nodiscard]] virtual Result<ApplyReport> apply(const overlay::ForwardingDiff& change) = 0;

  /// Removes everything that the data plane owns on this node.
  [[nodiscard]] virtual Result<void> remove_all() = 0;

  [[nodiscard]] virtual Result<Counters> counters() = 0;

  /// A descriptor that turns readable when somebody may have changed what we own, or -1. The agent
  /// then calls damaged(), which drains it; true asks for reconcile().
  [[nodiscard]] virtual int event_fd() const { return -1; }
  [[nodiscard]] virtual bool damaged() { return false; }
  /// What damaged() has seen last, and who did it where that can be told, for the log:
  /// "route 10.1.0.0/24 deleted by zebra (process 812)".
  [[nodiscard]] virtual std::string damage() const { return {}; }
};

}  // namespace sextant::dataplane
