// The pod prefixes that the cluster has given a node: waits until there are any.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "kube/config.h"

namespace sextant::installation {

/// Of Node.spec.podCIDRs, or podCIDR. Follows the Node by a watch: done within milliseconds of
/// their being written. `on_wait` hears once why it waits. Errors: none within `patience`, with
/// what the API server said last.
[[nodiscard]] Result<std::vector<IpPrefix>> wait_for_pod_prefixes(
    const kube::Config& config, const std::string& node, std::chrono::seconds patience,
    const std::function<void(const std::string&)>& on_wait);

}  // namespace sextant::installation
