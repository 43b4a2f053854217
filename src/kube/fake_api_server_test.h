// An HTTPS server for tests, on the test's own loop: it answers what the test says, and breaks off
// where the test wants.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/certificates_test.h"
#include "kube/client.h"

namespace sextant::kube {

struct SeenRequest {
  std::string method, target;
  std::string path;                            // of the target
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  std::size_t connection = 0;  // 1: the first that was accepted

  [[nodiscard]] std::string value(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }
  [[nodiscard]] bool is_watch() const { return query.contains("watch"); }
};

struct Reply {
  enum class Kind {
    kWhole,      // with its length
    kStream,     // chunked, `body` first and open: see FakeApiServer::streams()
    kTruncated,  // chunked, broken off in the middle of a chunk of `body`
    kSilent,     // no byte, the connection stays
    kClose,      // no byte, closed
  };
  int status = 200;
  std::string body = {};
  Kind kind = Kind::kWhole;
  std::string headers = {};  // "Retry-After: 1\r\n"
};

/// A stream of chunks that is being answered.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  virtual void send(std::string text) = 0;  // one chunk
  virtual void end() = 0;                   // the last chunk; the connection stays
  virtual void reset() = 0;                 // TCP RST
  [[nodiscard]] virtual bool is_open() const = 0;
  SeenRequest request;
};

class FakeApiServer {
 public:
  using Handler = std::function<Reply(const SeenRequest&)>;

  FakeApiServer(boost::asio::io_context& io, Identity identity, Handler handler);
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
  void set_handler(Handler handler);
  void set_identity(const Identity& identity);  // for connections to come
  /// Closes its port and all connections, as a server that is killed; resume() listens there again.
  void stop();
  void resume();
  /// Closes the connections that wait for a request.
  void close_idle();

  [[nodiscard]] const std::vector<SeenRequest>& seen() const;
  [[nodiscard]] std::size_t connections() const;  // accepted so far
  [[nodiscard]] const std::vector<std::shared_ptr<OpenStream>>& streams() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Runs the loop until `done`; false where that takes longer than `patience`.
[[nodiscard]] bool run_until(boost::asio::io_context& io, const std::function<bool()>& done,
                             std::chrono::milliseconds patience = std::chrono::seconds(20));

/// Runs the loop until the call is answered.
[[nodiscard]] Answer<boost::json::value> answer_of(
    boost::asio::io_context& io, std::function<Task<Answer<boost::json::value>>()> call);

/// Runs the loop until the call is over.
void finish(boost::asio::io_context& io, std::function<Task<void>()> call);

/// {"kind":"Status",...}
[[nodiscard]] std::string status_body(int code, const std::string& reason,
                                      const std::string& message = "no");

}  // namespace sextant::kube
