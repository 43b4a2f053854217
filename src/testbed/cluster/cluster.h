// A Kubernetes cluster on this machine: the paper's underlay of network namespaces, and on its
// nodes the real etcd, API server, controller manager, scheduler, containerd, kubelet and
// kube-proxy, with Sextant as its network.
//
// Flow: underlay -> certificates -> control plane (in the master's network namespace) -> node
// trees, containerd, images -> kubelets -> what deploy/ applies -> pods for trying things. As with
// the other testbeds, every call works on what an earlier, perhaps interrupted, process left.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testbed/cluster/daemons.h"
#include "testbed/process.h"
#include "testbed/testbed.h"

namespace sextant::cluster {

struct UpOptions {
  /// What is not given: the default, or what the running cluster has.
  std::optional<testbed::Kind> underlay = {};
  std::optional<std::vector<Family>> families = {};
  std::optional<unsigned> pods = {};
  bool kube_proxy = true;
  bool overlay = true;
  std::string name;
  std::filesystem::path
      image;  // of Sextant, a docker or OCI archive; empty: made of this build's programs
  std::filesystem::path manifests;  // a Kustomize folder; empty: this tree's deploy/overlays/...
  std::chrono::seconds patience{120};
  testbed::Progress progress;
};

struct UpReport {
  bool was_up = false;
  std::vector<std::string> repaired;  // "kubelet on worker1"
};

inline constexpr const char* kDefaultName = "cluster";

[[nodiscard]] Result<UpReport> up(const UpOptions& options);

/// Ends and removes all of it; nothing there is no error.
[[nodiscard]] Result<testbed::DownReport> down(const std::string& name,
                                               const testbed::Progress& progress = {});

/// down(), by one who holds the lock.
[[nodiscard]] Result<testbed::DownReport> remove_all(const testbed::Id& id,
                                                     const testbed::Progress& progress);

/// The running cluster of that name; an Error where none is up.
[[nodiscard]] Result<Plan> running(const std::string& name);

struct DaemonStatus {
  std::string node;
  std::string daemon;
  pid_t process = 0;  // 0: it does not run
  std::filesystem::path log;
};

[[nodiscard]] std::vector<DaemonStatus> status(const Plan& plan);

struct Check {
  std::string what;
  std::string from;
  std::string to;
  bool passed = false;
  std::string detail;
};

/// Every pod for trying things reaches every other one, in each family.
[[nodiscard]] Result<std::vector<Check>> check(const Plan& plan);

/// Power off and on of a node, as by its switch; the control plane is on the master.
[[nodiscard]] Result<void> stop_node(const Plan& plan, const std::string& node);
[[nodiscard]] Result<void> start_node(const Plan& plan, const std::string& node);

/// One program of status(); stopping it waits for its end, starting it does not wait until it
/// serves.
[[nodiscard]] Result<void> stop_daemon(const Plan& plan, const std::string& node,
                                       const std::string& daemon);
[[nodiscard]] Result<void> start_daemon(const Plan& plan, const std::string& node,
                                        const std::string& daemon);

}  // namespace sextant::cluster
