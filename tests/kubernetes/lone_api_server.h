// A real API server with its etcd on loopback ports of its own, without controllers and nodes: for
// tests of what talks to the API. Ready after some 5 seconds; ends with the object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/config.h"

namespace sextant::kubernetes_tests {

class LoneApiServer {
 public:
  /// With the CRDs of deploy/. Errors: a program is missing (skip the test), or it does not come
  /// up.
  [[nodiscard]] static Result<std::unique_ptr<LoneApiServer>> start();
  ~LoneApiServer();
  LoneApiServer(const LoneApiServer&) = delete;
  LoneApiServer& operator=(const LoneApiServer&) = delete;

  /// Of a user who may do everything.
  [[nodiscard]] kube::Config config() const;
  /// Of a user called "agent", who may do what roles allow.
  [[nodiscard]] kube::Config config_of_agent() const;
  /// Standard output; throws with what kubectl said where it fails.
  std::string kubectl(std::vector<std::string> arguments, const std::string& input = {}) const;

 private:
  LoneApiServer() = default;
  std::filesystem::path folder_;
  std::string kubectl_;
  std::string server_;
  std::vector<pid_t> processes_;
};

}  // namespace sextant::kubernetes_tests
