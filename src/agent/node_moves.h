// Another node's new SIDs, used a moment after they were told: until then that node has heard of
// them too and answers to them. It keeps its former ones for longer (lingering_sids.h), so its
// traffic goes from the one to the other without a gap.
//
// Flow: source -> IntentChange -> hold_back() -> Reconciler; later due() -> Reconciler. Plain
// values; time goes in as an argument.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "agent/pace.h"
#include "overlay/intent.h"

namespace sextant::agent {

class NodeMoves {
 public:
  /// Nodes hear from the API server within some 10 ms of each other, and program a few SIDs in
  /// some more.
  static constexpr Clock::duration kPause = std::chrono::milliseconds(300);

  explicit NodeMoves(std::string self) : self_(std::move(self)) {}

  /// Takes nodes out of the change that have SIDs in `current` and are to have others.
  void hold_back(overlay::IntentChange& change, const overlay::Intent& current,
                 Clock::time_point now);
  /// What has been held back for long enough; empty: nothing.
  [[nodiscard]] overlay::IntentChange due(Clock::time_point now);
  /// When to ask for that.
  [[nodiscard]] std::optional<Clock::time_point> next() const;

 private:
  struct Held {
    overlay::Node node;
    Clock::time_point end;
  };
  std::string self_;
  std::map<std::string, Held> held_;
};

}  // namespace sextant::agent
