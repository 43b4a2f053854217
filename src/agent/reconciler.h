// Keeps this node's forwarding as the sources want it.
//
// Flow: source -> IntentChange -> Resolver -> ForwardingDiff -> Dataplane. One thread, no clock of
// its own for decisions: the daemon says when to begin, when to repair and when to retry. What the
// data plane could not do is kept until a later reconcile does it, and shown in the status.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/lingering_sids.h"
#include "agent/pace.h"
#include "base/result.h"
#include "dataplane/dataplane.h"
#include "overlay/resolver.h"

namespace sextant::agent {

/// Why the data plane is called.
enum class Reason : std::uint8_t {
  kChange,              // the sources want something else: the difference
  kStart,               // from here on: everything
  kChangeAfterFailure,  // the data plane does not hold what a difference would start from
  kDamage,              // somebody changed what Sextant owns
  kRetry,               // of what could not be applied
};
/// In words, for the log.
[[nodiscard]] std::string_view to_string(Reason reason);

/// The last call of the data plane, for status.
struct LastApply {
  std::chrono::system_clock::time_point time;
  std::string_view kind;  // "reconcile" or "apply"
  Reason reason = Reason::kChange;
  std::size_t writes = 0;
  Clock::duration duration{};
};
/// Hears of every call of the data plane when it is over.
using ApplyObserver = std::function<void(const LastApply&, const Result<dataplane::ApplyReport>&)>;

class Reconciler {
 public:
  Reconciler(overlay::Settings settings, std::unique_ptr<dataplane::Dataplane> dataplane,
             ApplyObserver observer = {});

  /// Takes the change in. Before begin() it is only remembered, so that what an earlier agent left
  /// keeps forwarding.
  void take(const overlay::IntentChange& change);
  /// The first reconcile: adopts what an earlier agent left. Does nothing a second time.
  void begin();
  [[nodiscard]] bool begun() const { return begun_; }
  /// Compares everything and repairs the difference. `quiet`: a success is not worth a line of the
  /// log.
  void reconcile(Reason reason, bool quiet = false);
  /// Removes the SIDs of a former locator whose time is up.
  void expire_lingering(Clock::time_point now);
  /// When to call that; none: nothing lingers.
  [[nodiscard]] std::optional<Clock::time_point> lingering_until() const {
    return lingering_.next();
  }

  /// Whether something is left to do that a later reconcile() may achieve.
  [[nodiscard]] bool wants_retry() const { return begun_ && (failure_ || !problems_.empty()); }
  /// What the last reconcile took.
  [[nodiscard]] Clock::duration reconcile_cost() const { return reconcile_cost_; }

  /// The last call failed as a whole.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] const std::vector<dataplane::ApplyProblem>& apply_problems() const {
    return problems_;
  }
  [[nodiscard]] const std::optional<LastApply>& last_apply() const { return last_apply_; }
  [[nodiscard]] const overlay::Resolver& resolver() const { return resolver_; }
  [[nodiscard]] const overlay::Settings& settings() const { return settings_; }
  [[nodiscard]] dataplane::Dataplane& dataplane() const { return *dataplane_; }

 private:
  template <typename Call>
  void record(std::string_view kind, Reason reason, bool quiet, const Call& call);

  overlay::Settings settings_;
  overlay::Resolver resolver_;
  std::unique_ptr<dataplane::Dataplane> dataplane_;
  ApplyObserver observer_;
  LingeringSids lingering_;
  bool begun_ = false;
  std::optional<Error> failure_;
  std::vector<dataplane::ApplyProblem> problems_;
  std::optional<LastApply> last_apply_;
  Clock::duration reconcile_cost_{};
};

}  // namespace sextant::agent
