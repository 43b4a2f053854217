// Sends requests over kept connections. Private to this room; Client is what others use.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "kube/client.h"
#include "kube/connection.h"
#include "kube/credentials.h"

namespace sextant::kube {

/// A request and what to call it in errors and counts.
struct ApiRequest {
  std::string verb;     // "list"
  std::string object;   // "nodes": for messages
  std::string counted;  // "nodes", "srv6nodes.sextant.dev/status": for the counts
  std::string method;   // "GET"
  std::string target;   // "/api/v1/nodes?limit=500"
  std::string content_type = {};
  std::string body = {};
};

class Transport;

/// A successful answer whose body is read piece by piece. Where it is not read to its end, its
/// connection is closed.
class Response {
 public:
  Response(std::shared_ptr<Transport> transport, std::unique_ptr<Connection> connection,
           ApiRequest request, std::uint64_t generation);
  ~Response();
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// Empty: that was all. `timeout` is for the next piece.
  [[nodiscard]] Task<Answer<std::string_view>> read(std::chrono::milliseconds timeout);
  /// The whole body, at most `limit` bytes.
  [[nodiscard]] Task<Answer<std::string>> read_all(std::size_t limit);

 private:
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<Connection> connection_;
  ApiRequest request_;
  std::uint64_t generation_;
};

/// Where a request is cancelled by who waits for it, that ends by the exception of a cancelled
/// coroutine: it is no trouble of the server's, and nobody's to hear of.
class Transport : public std::enable_shared_from_this<Transport> {
 public:
  Transport(Config config, ClientOptions options);

  /// An answer of 2xx; all others are errors, with what the server's Status says.
  [[nodiscard]] Task<Answer<std::unique_ptr<Response>>> send(ApiRequest request);
  /// The same, whole and parsed.
  [[nodiscard]] Task<Answer<boost::json::value>> ask(ApiRequest request);

  [[nodiscard]] const ClientOptions& options() const { return options_; }
  [[nodiscard]] const RequestCounts& counts() const { return counts_; }
  [[nodiscard]] const std::string& server() const { return server_; }
  /// For another request; closed where it is not reusable.
  void give_back(std::unique_ptr<Connection> connection, std::uint64_t generation);
  [[nodiscard]] ApiError error(const ApiRequest& request, const Trouble& trouble) const;

 private:
  struct Kept {
    std::unique_ptr<Connection> connection;
    std::uint64_t generation;
    std::chrono::steady_clock::time_point since;
  };
  struct Taken {
    std::unique_ptr<Connection> connection;
    std::uint64_t generation = 0;
    bool was_kept = false;
  };

  [[nodiscard]] std::optional<Taken> take_kept();
  [[nodiscard]] Task<tl::expected<Taken, Trouble>> connect();
  [[nodiscard]] Task<tl::expected<Taken, Trouble>> exchange(const ApiRequest& request,
                                                            std::string token, HttpHead& head);
  [[nodiscard]] Task<Answer<std::unique_ptr<Response>>> attempt(const ApiRequest& request);
  /// Says once why the server does not answer, however many requests find out.
  void complain(const Trouble& trouble);

  Config config_;
  ClientOptions options_;
  std::string server_;
  Result<Endpoint> endpoint_;
  Credentials credentials_;
  std::list<Kept> kept_;  // the last used one first
  RequestCounts counts_;
  std::string complaint_;  // the last one; empty: the server answers
};

/// The server's Status (or whatever it sent) as an error. `body` may be anything.
[[nodiscard]] ApiError read_status(const ApiRequest& request, const HttpHead& head,
                                   std::string_view body);

}  // namespace sextant::kube
