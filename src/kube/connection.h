// One TLS connection to the API server, speaking HTTP/1.1. Private to this room.
//
//   open -> exchange (request out, head of the answer in) -> read ... until it is empty -> exchange
//
// What the server sends is bounded: the head by size, the body piece by piece, each by time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "kube/endpoint.h"
#include "kube/task.h"

namespace boost::asio::ssl {
class context;
}

namespace sextant::kube {

/// Why there is no answer.
struct Trouble {
  enum class Kind : std::uint8_t {
    kUnreachable,  // no TCP connection
    kCertificate,  // the server's is not accepted
    kTls,          // the handshake failed otherwise
    kClosed,       // ended or reset before the first byte of an answer
    kBroken,       // ended, reset or nonsense in the middle of an answer
    kTimeout,
  };
  Kind kind;
  std::string cause;
  std::string hint = {};
};

struct HttpRequest {
  std::string method;
  std::string target;
  std::string host = {};
  std::string content_type = {};
  std::string body = {};
  std::string token = {};
  std::string user_agent = {};
};

struct HttpHead {
  int status = 0;
  std::optional<std::chrono::seconds> retry_after;
};

class Connection {
 public:
  using Milliseconds = std::chrono::milliseconds;
  struct Peer {
    Endpoint endpoint;
    std::string server_name;  // that the certificate must be for; empty: the endpoint's host
    bool verify = true;
    std::shared_ptr<boost::asio::ssl::context> tls;
    Milliseconds timeout;  // for the name, then again for TCP and TLS
  };
  template <typename T>
  using Outcome = tl::expected<T, Trouble>;

  [[nodiscard]] static Task<Outcome<std::unique_ptr<Connection>>> open(Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Precondition: nothing was exchanged yet, or the last answer is reusable().
  [[nodiscard]] Task<Outcome<HttpHead>> exchange(HttpRequest request, Milliseconds timeout);
  /// The body's next piece, valid until the next call; empty: that was all.
  [[nodiscard]] Task<Outcome<std::string_view>> read(Milliseconds timeout);
  /// The answer was read to its end and the server will take another request.
  [[nodiscard]] bool reusable() const;
  /// Idle, and neither closed nor spoken to by the server.
  [[nodiscard]] bool is_quiet() const;

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sextant::kube
