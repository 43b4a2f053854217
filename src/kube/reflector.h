// Follows all objects of a resource: list, then watch, and again, for ever. Untyped: see
// informer.h.
//
//   list (pages) -> differences to what was known -> one batch
//   watch -> one batch for each piece that arrives -> ... -> its end: resume from the last version
//   410 (history compacted), or nonsense -> list again
//   404 from a server that is ready (the CRD is not installed) -> empty, asked again at growing
//     intervals; while a server starts it may not know its CRDs yet, and that counts for nothing
//   403 for a resource that may do without (`optional`) -> the same, where it was never read
//   anything else -> resume after a growing, jittered delay, which the server may set (Retry-After)
//
// What is known stays known while the API server is away.
//
// Consistency. Lists are consistent reads (no resourceVersion), by pages: a list from the server's
// cache may be older than what an earlier agent has seen, and would take forwarding of new nodes
// away. Such a list reads every object of the resource from etcd, also those that a selector leaves
// out. Where that is too much, `not_older_than` gives a version that the server's cache must have
// reached. A list after the first is never older than what was known before.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/client.h"

namespace sextant::kube {

/// Delays between attempts. The longest is short: after an outage every agent must have caught up
/// within seconds, and with jitter 5,000 agents that ask every 5 to 10 s are 700 requests a second
/// that a server which is not up yet refuses for nothing.
struct RetryDelays {
  std::chrono::milliseconds first = std::chrono::milliseconds(500);
  std::chrono::milliseconds longest = std::chrono::seconds(10);
  std::chrono::milliseconds longest_missing = std::chrono::seconds(60);  // not there, see ask_now()
  std::chrono::milliseconds longest_asked = std::chrono::seconds(60);    // a Retry-After
  std::chrono::milliseconds lasting = std::chrono::seconds(20);  // a watch for so long: all is well
};

struct InformerOptions {
  std::string ns = {};  // empty: all
  Selectors selectors = {};
  RetryDelays delays = {};
  /// Asked before the first list: the version that the server's cache must have reached; "0": any;
  /// empty, or where there is no such function: a consistent read.
  std::function<Task<Answer<std::string>>()> not_older_than = {};
  bool optional = false;  // where it may not be listed (403), that is as if it were not installed
  unsigned page = 500;    // objects
  std::chrono::seconds watch_shortest = std::chrono::seconds(300);     // the server ends watches
  std::chrono::seconds watch_longest = std::chrono::seconds(600);      // between these, at random
  std::chrono::milliseconds bookmark_age = std::chrono::seconds(180);  // bookmarks came, then none
};

struct InformerHealth {
  bool synced = false;   // listed at least once, or known not to be installed
  bool missing = false;  // the server knows no such resource, or
  bool refused = false;  // does not let us read it, and it is optional
  bool watching = false;
  std::optional<std::chrono::steady_clock::time_point> last_contact = {};
  std::optional<ApiError> last_error = {};  // none while all is well
  std::uint64_t lists = 0, watches = 0, events = 0, bookmarks = 0, undecodable = 0;
};

struct UntypedChange {
  std::string key;
  std::shared_ptr<const void> now;  // null: gone
};

class Reflector {
 public:
  /// May throw: the object is then reported in the log and left as it was known.
  using Decode = std::function<std::shared_ptr<const void>(const boost::json::object&)>;
  using Deliver = std::function<void(std::vector<UntypedChange>&&)>;

  Reflector(Client& client, Resource resource, InformerOptions options, Decode decode,
            Deliver deliver);
  /// Nothing is delivered any more.
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void start();
  /// Where the resource is missing: asks for it now, and not when its time has come.
  void ask_now();
  [[nodiscard]] const InformerHealth& health() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kube
