// What a source has to say about the objects it read: errors, and warnings that change nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "overlay/intent.h"

namespace sextant::sources {

enum class Severity : std::uint8_t {
  kWarning,  // the object is in force; part of it was not understood
  kError,    // the object, as it stands now, is not in force
};

/// `problem.object` is a Kubernetes object, or File/policies.yaml and Directory/etc where no single
/// object is meant. `problem.reason` starts with the field's path: "spec.color: 0 is not a number
/// from 1 to 4294967295".
struct Finding {
  Severity severity = Severity::kError;
  overlay::Problem problem;

  /// "policies.yaml:14: SRv6Policy/gold: spec.color: ..."
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const Finding&, const Finding&) = default;
};

}  // namespace sextant::sources
