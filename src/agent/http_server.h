// A small HTTP/1.1 server on a Unix socket or a TCP port: for the CLI, probes, metrics scrapers.
//
// One coroutine a connection on the given io_context; the handler runs on its thread and must not
// block for long. Bounded in every way: header and body size, time per request, number of
// connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agent/listen_address.h"
#include "base/result.h"

namespace boost::asio {
class io_context;
}

namespace sextant::agent {

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/status?x=y", as sent
  std::string body = {};
};

class HttpStream;

struct HttpResponse {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string allow;  // the Allow header of a 405
  /// In place of `body`: what comes in the course of time (http_stream.h).
  std::shared_ptr<HttpStream> stream = {};
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// {"error": message}
[[nodiscard]] HttpResponse error_response(unsigned status, const std::string& message);

struct HttpLimits {
  std::uint32_t header_bytes = 8192;
  std::uint32_t body_bytes = 8192;
  std::size_t connections = 64;
  std::chrono::milliseconds read_timeout = std::chrono::seconds(10);  // also of an idle connection
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
};

class HttpServer {
 public:
  /// Replaces a stale socket at `socket_path`: the caller has made sure that nobody serves it
  /// (AgentLock). Makes the folder where it is missing; the socket gets mode 0660. Errors: the path
  /// holds something else than a socket, is too long, or cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io,
                                                                  const std::string& socket_path,
                                                                  HttpHandler handler,
                                                                  HttpLimits limits = {});
  /// On a TCP port. Errors: the port is taken, the address is not of this node.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io,
                                                                  const ListenAddress& address,
                                                                  HttpHandler handler,
                                                                  HttpLimits limits = {});
  /// Where it listens: the socket's path, or "127.0.0.1:9617" with the port that was given to it.
  [[nodiscard]] const std::string& where() const;
  /// Closes the listening socket and unlinks it. Destroy it before the io_context.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the connections that are being served
};

}  // namespace sextant::agent
