#include "kubernetes/kernel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <stdexcept>
#include <vector>

#include "common/kernel.h"

namespace sextant::bench {

void expect_forwarding(const std::string& node_space, const ClusterSize& size) {
  auto lists = segment_lists(node_space);
  std::map<std::size_t, std::size_t> policies;  // by endpoint
  for (std::size_t i = 0; i < size.policies; ++i) policies[policy_endpoint(size, i)] = i;
  for (std::size_t node = 1; node <= size.nodes; ++node) {
    const auto steered = policies.find(node);
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      const auto prefix = pods_of_node(node, family);
      std::vector<std::string> wanted;
      if (steered != policies.end()) wanted = {usual_segment(steered->second), kSecondSegment};
      wanted.push_back(service_sid(node, family).to_string());
      if (lists[prefix] != wanted) {
        throw std::runtime_error(fmt::format("the kernel sends {} to [{}] instead of [{}]",
                                             prefix.to_string(), fmt::join(lists[prefix], " "),
                                             fmt::join(wanted, " ")));
      }
    }
  }
}

}  // namespace sextant::bench
