// Requests to the Kubernetes API: HTTP/1.1 over TLS on the caller's loop.
//
//   Client client(io, config);
//   const ObjectRef ref{kNodes, "", "n1"};   // named, not braced into the call: see task.h
//   auto node = co_await client.get(ref);    // Answer<boost::json::value>
//
// One thread. A few connections are kept and reused; each watch holds one of its own. A request
// that found its kept connection closed by the server is sent once more where that is safe (GET).
// Otherwise nothing is retried here: callers know best (see ApiError::may_pass, Backoff).
// A 401 makes the token be read again, and the request be sent again where the token is new.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kube/answer.h"
#include "kube/config.h"
#include "kube/resource.h"
#include "kube/task.h"

namespace sextant::kube {

struct ClientOptions {
  std::string user_agent = {};                                           // empty: "sextant/VERSION"
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);  // name, TCP and TLS
  std::chrono::milliseconds header_timeout = std::chrono::seconds(65);   // servers give up after 60
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);     // between two pieces
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);     // of a kept connection
  std::chrono::milliseconds credentials_age = std::chrono::seconds(3);  // until files are looked at
  std::size_t kept_connections = 4;
  std::size_t answer_bytes = std::size_t{64} << 20;  // of anything but lists
  std::size_t object_bytes = std::size_t{8} << 20;   // of one object in a list or a watch
};

/// As the API's labelSelector and fieldSelector: "app=sextant", "metadata.name=n1".
struct Selectors {
  std::string label = {};
  std::string field = {};
};

struct ApplyOptions {
  std::string field_manager;
  bool force = true;             // take fields over from other managers
  std::string subresource = {};  // "status"
};

struct Preconditions {
  std::string uid = {};
  std::string resource_version = {};
};

/// What requests were made, for metrics.
struct RequestKind {
  std::string verb;      // "get", "list", "watch", "create", "apply", "patch", "update", "delete"
  std::string resource;  // "nodes", "srv6nodes.sextant.dev"; with "/status"
  int code = 0;          // 0: no answer

  friend auto operator<=>(const RequestKind&, const RequestKind&) = default;
};
using RequestCounts = std::map<RequestKind, std::uint64_t>;

class Transport;

class Client {
 public:
  Client(boost::asio::io_context& io, Config config, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Task<Answer<boost::json::value>> get(ObjectRef ref);
  /// May be some seconds old: answered from the server's memory, without etcd.
  [[nodiscard]] Task<Answer<boost::json::value>> get_cached(ObjectRef ref);
  /// All items, read page by page and whole: to follow objects, take an Informer. `ns` empty: of
  /// all namespaces. Items carry no kind and apiVersion.
  [[nodiscard]] Task<Answer<boost::json::array>> list(Resource resource);
  [[nodiscard]] Task<Answer<boost::json::array>> list(Resource resource, std::string ns,
                                                      Selectors selectors);
  /// A name in `object`'s metadata or generateName.
  [[nodiscard]] Task<Answer<boost::json::value>> create(Resource resource, std::string ns,
                                                        boost::json::value object);
  /// Server-side apply: makes the object or the fields that are ours. kind and apiVersion needed.
  [[nodiscard]] Task<Answer<boost::json::value>> apply(ObjectRef ref, boost::json::value object,
                                                       ApplyOptions options);
  /// JSON merge patch (RFC 7396); with metadata.resourceVersion in it, a conflict is an error.
  [[nodiscard]] Task<Answer<boost::json::value>> patch(ObjectRef ref,
                                                       boost::json::value merge_patch,
                                                       std::string subresource = {});
  [[nodiscard]] Task<Answer<boost::json::value>> update(ObjectRef ref, boost::json::value object,
                                                        std::string subresource = {});
  /// Background deletion; the object or its Status.
  [[nodiscard]] Task<Answer<boost::json::value>> remove(ObjectRef ref);
  [[nodiscard]] Task<Answer<boost::json::value>> remove(ObjectRef ref, Preconditions preconditions);

  [[nodiscard]] const RequestCounts& counts() const;
  /// "https://[fd00::1]:6443", for messages
  [[nodiscard]] const std::string& server() const;
  [[nodiscard]] boost::asio::io_context& io();
  /// For this room.
  [[nodiscard]] std::shared_ptr<Transport> transport() const { return transport_; }

 private:
  boost::asio::io_context& io_;
  std::shared_ptr<Transport> transport_;  // shared with requests that are under way
};

/// Tries `attempt` (read, change, write) again as long as it ends in a conflict, with a short
/// growing delay.
[[nodiscard]] Task<Answer<boost::json::value>> retry_on_conflict(
    std::function<Task<Answer<boost::json::value>>()> attempt, int tries = 5);

}  // namespace sextant::kube
