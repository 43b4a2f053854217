// The measured agent: sextantd on a node of its own, with the real data plane.
//
//   node ul --- fabric api     underlay, and the way to the API server
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/child.h"
#include "common/scratch.h"
#include "common/space.h"
#include "kubernetes/objects.h"

namespace sextant::bench {

/// Node 0's namespace, with a link to the API server's.
class AgentNode {
 public:
  explicit AgentNode(const Space& fabric);

  /// Where the API server listens for the agent.
  [[nodiscard]] static std::string server_address();
  [[nodiscard]] const Space& space() const { return space_; }
  /// Bytes that crossed the link until now, both ways: all of it is the agent's.
  [[nodiscard]] unsigned long long traffic() const;

 private:
  Space space_;
};

/// The process; killed with this object, while forwarding stays.
class KubernetesAgent {
 public:
  KubernetesAgent(const AgentNode& node, const std::filesystem::path& kubeconfig);

  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  /// Waits until it says that it has applied at least so many routes and all is well. Throws where
  /// it does not come to that.
  void await_programmed(std::size_t routes) const;
  /// /v1/status
  [[nodiscard]] boost::json::value status() const;
  /// Of its log, the end: for messages.
  [[nodiscard]] std::string log_end() const;
  /// SIGTERM, and waits for the end.
  void end() { process_->end(); }
  void check() const;

 private:
  ScratchDirectory directory_;
  std::optional<Child> process_;
};

}  // namespace sextant::bench
