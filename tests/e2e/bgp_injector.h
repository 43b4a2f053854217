// A BGP peer that tells master's agent SR Policies, over the routers, from the testbed's machine
// `injector`.
#pragma once

#include <chrono>
#include <memory>

#include "base/result.h"
#include "e2e/lab.h"

namespace sextant::e2e {

class BgpInjector {
 public:
  /// Has master's agent start again, with BGP beside its manifests, and waits for the session.
  [[nodiscard]] static Result<std::unique_ptr<BgpInjector>> start(const Lab& lab);
  /// The session ends; the agent goes on as it is.
  ~BgpInjector();
  BgpInjector(const BgpInjector&) = delete;
  BgpInjector& operator=(const BgpInjector&) = delete;

  /// Both families to worker2 by `path`, an SR Policy each, preferred to those of the manifests.
  /// Returns when they are handed to the speaker.
  void take(const Path& path);
  /// Takes them back.
  void withdraw();

 private:
  struct State;
  explicit BgpInjector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Has master's agent start again without BGP.
[[nodiscard]] Result<void> end_bgp(const Lab& lab);

}  // namespace sextant::e2e
