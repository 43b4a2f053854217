// One HTTP GET over a Unix socket: how the CLI asks the agent.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace sextant::agent {

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

/// Blocks until the reply is there or `timeout` has passed. Any HTTP status is a reply; errors are
/// those of the connection, with a hint for the operator where the agent does not run.
[[nodiscard]] Result<HttpReply> http_get(const std::string& socket_path, const std::string& target,
                                         std::chrono::milliseconds timeout);

}  // namespace sextant::agent
