// Counts the kernel's notices of change in a namespace: links, addresses, routes, rules, nexthops,
// nftables. Who writes nothing causes none.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::e2e {

class KernelMonitor {
 public:
  [[nodiscard]] static Result<KernelMonitor> start(const std::string& netns);
  /// The changes since the start or the last call, as text: "nexthop 104".
  [[nodiscard]] std::vector<std::string> changes();

 private:
  KernelMonitor(UniqueFd route, UniqueFd nftables)
      : route_(std::move(route)), nftables_(std::move(nftables)) {}
  UniqueFd route_;
  UniqueFd nftables_;
};

}  // namespace sextant::e2e
