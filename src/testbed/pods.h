// Pods: namespaces wired to their node by running the real CNI plugin, as a kubelet would.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

struct Pod {
  std::string name;  // "pod-master-1"
  std::string node;
  std::vector<IpAddress> addresses;  // IPv4 first
};

/// Makes `count` pods on every node; those that are there are kept.
[[nodiscard]] Result<void> make_pods(const Id& id, const Topology& lab, unsigned count,
                                     const std::filesystem::path& programs);

/// As the CNI plugin's results say, which are kept in the state directory.
[[nodiscard]] Result<std::vector<Pod>> list_pods(const Id& id, const Topology& lab, unsigned count);

/// The conflist of one node: what a kubelet would find in /etc/cni/net.d.
[[nodiscard]] std::string cni_conflist(const Id& id, const ClusterNode& node);

}  // namespace sextant::testbed
