// A data plane for unit tests: holds what it was told, records every call, and fails on demand.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/dataplane.h"

namespace sextant::dataplane {

class FakeDataplane final : public Dataplane {
 public:
  struct Reconcile {
    overlay::Forwarding wanted;
  };
  struct Apply {
    overlay::ForwardingDiff change;
  };
  struct RemoveAll {};
  using Call = std::variant<Reconcile, Apply, RemoveAll>;

  FakeDataplane();

  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] const std::vector<Capability>& capabilities() const override {
    return capabilities_;
  }
  /// Writes: the entries in which `wanted` differs from what is installed.
  [[nodiscard]] Result<ApplyReport> reconcile(const overlay::Forwarding& wanted) override;
  [[nodiscard]] Result<ApplyReport> apply(const overlay::ForwardingDiff& change) override;
  [[nodiscard]] Result<void> remove_all() override;
  [[nodiscard]] Result<Counters> counters() override;
  [[nodiscard]] int event_fd() const override { return event_.get(); }
  [[nodiscard]] bool damaged() override;

  // What a test reads.
  [[nodiscard]] const overlay::Forwarding& installed() const { return installed_; }
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] std::size_t reconciles() const;
  [[nodiscard]] std::size_t applies() const;

  // What a test sets.
  /// What an earlier agent left.
  void leave(overlay::Forwarding forwarding) { installed_ = std::move(forwarding); }
  /// Every call fails with the error, as without privilege, until this is called with none.
  void fail_with(std::optional<Error> error) { failure_ = std::move(error); }
  /// Every report carries these problems until this is called again.
  void report_problems(std::vector<ApplyProblem> problems) { problems_ = std::move(problems); }
  void set_capabilities(std::vector<Capability> capabilities) {
    capabilities_ = std::move(capabilities);
  }
  /// What is counted apart from paths.
  void set_counters(Counters counters) { counters_ = std::move(counters); }
  /// Traffic on a list of an installed path.
  void carry(const overlay::PathKey& path, std::size_t list, const Count& traffic);
  /// Whether paths are counted at all.
  void count_paths(bool counted) { counts_paths_ = counted; }
  /// Somebody else changed what is installed: event_fd() turns readable and damaged() true once.
  /// Safe to call from another thread; the change to `installed()` is not.
  void damage();
  /// As damage(), and what is installed is lost.
  void damage_and_lose() {
    installed_ = {};
    damage();
  }

 private:
  struct Carried {
    Count all;
    std::map<std::vector<srv6::Sid>, Count> lists;
  };
  void forget_lists_that_are_gone();

  UniqueFd event_;
  overlay::Forwarding installed_;
  std::vector<Call> calls_;
  std::optional<Error> failure_;
  std::vector<ApplyProblem> problems_;
  std::vector<Capability> capabilities_;
  Counters counters_;
  bool counts_paths_ = true;
  std::map<overlay::PathKey, Carried> carried_;
};

}  // namespace sextant::dataplane
