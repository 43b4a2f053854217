// SRv6Policy objects (docs/reference-manifests.md) as injected policies: one for each candidate
// path, with the discriminator as distinguisher.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/policy_set.h"
#include "overlay/intent.h"
#include "sources/finding.h"

namespace sextant::injector {

/// `nodes`: what names stand for. What BGP cannot say, or nobody explains, goes to `findings`.
[[nodiscard]] std::vector<PlacedPolicy> inject(const overlay::Policy& policy,
                                               const std::map<std::string, overlay::Node>& nodes,
                                               std::vector<sources::Finding>& findings);

}  // namespace sextant::injector
