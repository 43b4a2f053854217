// HTTP over a Unix socket: how the CLI asks the agent, and the policy injector.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::agent {

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

/// Who is asked, in the words of errors.
struct HttpServerWords {
  std::string_view operation = "reach the agent at";
  std::string_view when_silent =
      "is the agent stopped or busy? see its log (journalctl -u sextantd, kubectl sextant logs)";
  std::string_view when_absent =
      "start it (systemctl start sextantd; in a cluster its DaemonSet does), or name its socket "
      "with --socket";
};

/// Blocks until the reply is there or `timeout` has passed. Any HTTP status is a reply; errors are
/// those of the connection, with a hint for the operator where the agent does not run.
[[nodiscard]] Result<HttpReply> http_get(const std::string& socket_path, const std::string& target,
                                         std::chrono::milliseconds timeout);

struct HttpCall {
  std::string method = "GET";
  std::string target;
  std::string body = {};
};
[[nodiscard]] Result<HttpReply> http_call(const std::string& socket_path, const HttpCall& call,
                                          std::chrono::milliseconds timeout,
                                          const HttpServerWords& words = {});

/// GET of a body that comes in the course of time: gives each piece to `take` as it comes, until
/// that returns false or the server ends. Blocks without limit. The reply's body is empty for
/// status 200, else the server's words.
[[nodiscard]] Result<HttpReply> http_follow(const std::string& socket_path,
                                            const std::string& target,
                                            const std::function<bool(std::string_view)>& take,
                                            const HttpServerWords& words = {});

}  // namespace sextant::agent
