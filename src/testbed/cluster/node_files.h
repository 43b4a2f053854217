// What a node reads from its own disk: containerd's and kubelet's configuration, its credentials.
#pragma once

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {

inline constexpr const char* kKubeletConfiguration = "/var/lib/kubelet/config.yaml";
inline constexpr const char* kKubeletKubeconfig = "/etc/kubernetes/kubelet.conf";
inline constexpr const char* kProxyKubeconfig = "/etc/kubernetes/kube-proxy.conf";

/// Writes them to the node's disk while the node is off.
[[nodiscard]] Result<void> write_node_files(const Plan& plan, const testbed::ClusterNode& node);

}  // namespace sextant::cluster
