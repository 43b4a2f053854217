// A Kubernetes API server with etcd, both real, in a namespace of their own.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/child.h"
#include "common/scratch.h"
#include "common/space.h"
#include "kubernetes/api.h"

namespace sextant::bench {

/// The agent's user: bound by deploy/'s RBAC, so that the agent may do what it may in a cluster.
inline constexpr const char* kAgentUser = "system:serviceaccount:sextant-system:sextant";

class ControlPlane {
 public:
  /// Listens on all addresses of `space`, `address` among them. Returns when it is ready, with
  /// Sextant's CRDs and RBAC installed. Throws.
  ControlPlane(const Space& space, const std::string& address);

  /// By the space's loopback, as administrator.
  [[nodiscard]] const ApiAccess& access() const { return access_; }
  /// For the agent, by `address`.
  [[nodiscard]] std::filesystem::path agent_kubeconfig() const;

  [[nodiscard]] pid_t server() const { return server_->pid(); }
  [[nodiscard]] pid_t etcd() const { return etcd_->pid(); }
  /// The agent's requests that reached the server so far, by "VERB RESOURCE CODE", from its audit
  /// log.
  [[nodiscard]] std::map<std::string, std::size_t> agent_requests() const;
  /// Throws where one of the processes has ended.
  void check() const;

 private:
  void make_credentials(const std::string& address);
  void install();
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return files_.path() / name;
  }
  [[nodiscard]] std::string log_end() const;

  const Space& space_;
  ScratchDirectory files_;
  ScratchDirectory data_;  // in memory: etcd's waiting for a disk is not what is measured
  ApiAccess access_;
  std::optional<Child> etcd_, server_;
};

}  // namespace sextant::bench
