// A Kubernetes node: a tree of processes with namespaces of its own (network, mount, PID, UTS, IPC,
// cgroup), private /etc, /opt, /run and /var/lib, and containerd, kubelet and kube-proxy in it. Its
// first process is its power.
#pragma once

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {

/// The first process; 0 where the node is off.
[[nodiscard]] pid_t first_process(const Places& places, const std::string& node);

/// Starts the first process and waits until its mounts are there. False where the node is on.
/// Precondition: its network namespace is there.
[[nodiscard]] Result<bool> power_on(const Plan& plan, const testbed::ClusterNode& node);

/// As a power cut: nobody is asked. The disk stays. False where it was off.
[[nodiscard]] Result<bool> power_off(const Places& places, const std::string& node);

/// `arguments` run on the node, in its namespaces and cgroups.
[[nodiscard]] Result<testbed::Command> on_node(const Places& places, const std::string& node,
                                               std::vector<std::string> arguments);

/// containerd, kubelet, kube-proxy.
[[nodiscard]] std::vector<std::string> node_daemon_names(const Settings& settings);
[[nodiscard]] Result<std::vector<Daemon>> node_daemons(const Plan& plan,
                                                       const testbed::ClusterNode& node);

/// Until containerd has its socket: kubelet ends where it finds none.
[[nodiscard]] Result<void> await_runtime(const Plan& plan, const std::string& node);

/// Gives containerd, which runs, those images that it does not have in this version.
[[nodiscard]] Result<void> import_images(const Plan& plan, const std::string& node,
                                         const std::vector<std::filesystem::path>& archives);

}  // namespace sextant::cluster
