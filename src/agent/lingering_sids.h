// SIDs of this node that a new locator took away, kept for a while: the other nodes hear of the new
// locator some milliseconds earlier or later, and what they have sent to the old SIDs still
// arrives.
//
// Flow: Resolver -> ForwardingDiff -> hold_back() -> Dataplane; later expired() -> Dataplane. What
// the Resolver says is not changed by it. Plain values; time goes in as an argument.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "agent/pace.h"
#include "overlay/forwarding.h"

namespace sextant::agent {

class LingeringSids {
 public:
  /// Long against the time in which nodes follow the API server, short against that in which a
  /// locator is given to another node.
  static constexpr Clock::duration kLong = std::chrono::seconds(10);

  /// Takes out of the diff what is to stay for now. Not for a binding SID, which goes with its
  /// policy; not where the node has no SIDs any more, or another node has that locator now.
  void hold_back(overlay::ForwardingDiff& diff, Clock::time_point now);
  /// The removal of those whose time is up; empty: none.
  [[nodiscard]] overlay::ForwardingDiff expired(Clock::time_point now);
  /// When to ask for that.
  [[nodiscard]] std::optional<Clock::time_point> next() const;
  /// To `wanted` of a whole reconcile.
  void add_to(overlay::Forwarding& wanted) const;

 private:
  struct Lingering {
    overlay::LocalSid sid;
    Clock::time_point end;
  };
  std::map<srv6::Sid, overlay::LocalSid> wanted_;  // the node's own, as the Resolver wants them
  std::map<srv6::Sid, Lingering> lingering_;
};

}  // namespace sextant::agent
