// Who announces injected policies: the injector daemon (daemon_backend.h), or a GoBGP daemon.
// For the commands: calls block until they are answered or failed, and are made from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "injector/injected_policy.h"

namespace sextant::injector {

struct PolicyEvent {
  enum class Kind : std::uint8_t {
    kPresent,    // was there when the watch began
    kAnnounced,  // new
    kChanged,    // another content, delivery or headend's answer
    kWithdrawn,  // the policy is as it was, where that is known; else only its key is set
  };
  Kind kind = Kind::kPresent;
  PolicyReport report;
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// In the order of their keys.
  [[nodiscard]] virtual Result<std::vector<PolicyReport>> list() = 0;
  /// Adds, or replaces by key. All or none, where the back end can do that.
  [[nodiscard]] virtual Result<void> announce(const std::vector<InjectedPolicy>& policies) = 0;
  /// Keys that are not announced are no error.
  [[nodiscard]] virtual Result<void> withdraw(const std::vector<PolicyKey>& keys) = 0;
  /// Makes these the announced policies, at once where the back end can do that: otherwise new
  /// ones are announced before old ones are withdrawn.
  [[nodiscard]] virtual Result<void> replace(const std::vector<InjectedPolicy>& policies);
  /// First what is there, then each event, until `event` returns false or the back end ends.
  [[nodiscard]] virtual Result<void> watch(
      const std::function<bool(const PolicyEvent&)>& event) = 0;
};

}  // namespace sextant::injector
