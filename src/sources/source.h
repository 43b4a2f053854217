// Where wishes come from, as the agent sees it: a directory of manifests, or a Kubernetes API
// server.
//
// Flow: start() -> the callback, with each change in the order in which it happened -> intent().
// One thread, the loop's; nothing here blocks it for long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/peering.h"

namespace sextant::sources {

/// How one kind of objects is followed at an API server.
struct FollowedKind {
  std::string kind;       // "SRv6Policy"
  std::string resource;   // "srv6policies.sextant.dev"
  bool installed = true;  // the API server knows the kind
  bool synced = false;    // its objects were read completely at least once
  std::size_t objects = 0;
  std::uint64_t lists = 0;    // begun so far: more than one tells of lost watches
  std::uint64_t watches = 0;  // begun so far
  std::string error;          // why it is not followed right now; empty where it is
};

/// Requests answered, or failed, with one outcome.
struct RequestCount {
  std::string verb;      // "list", "watch", "apply", ...
  std::string resource;  // "nodes"
  int code = 0;          // HTTP; 0: no answer
  std::uint64_t count = 0;
};

/// The API server behind a source. That it cannot be reached does not stop forwarding.
struct ServerState {
  std::string url;
  bool reachable = false;
  std::optional<std::chrono::system_clock::time_point> since;  // reachable, or not; none: untried
  std::string error;                                           // why it is not reachable
  std::string ipam;  // who allocates pod prefixes: "node", "calico"
  std::vector<FollowedKind> kinds;
  std::vector<RequestCount> requests;
};

/// A source, as the status shows it.
struct SourceState {
  std::string kind;           // "manifests", "kubernetes"
  std::string place;          // a directory, a URL
  bool loaded = false;        // whether it could be read at least once
  std::string obstacle = {};  // why it is not loaded, where that is known
  std::vector<Finding> findings = {};
  std::optional<ServerState> server = std::nullopt;
};

class Source {
 public:
  /// A change; empty where only findings, or loaded(), may have changed. Or why reading failed: the
  /// last good state stays.
  using Listener = std::function<void(const Result<overlay::IntentChange>&)>;

  Source() = default;
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Starts to follow; once. What is known before is in intent() and not told again.
  virtual void start(Listener listener) = 0;
  /// Reads everything again (an operator's SIGHUP), where that can bring anything.
  virtual void reload() = 0;

  /// The state after all changes told so far.
  [[nodiscard]] virtual const overlay::Intent& intent() const = 0;
  /// What objects say of BGP sessions; every change of it is told with a change that may be empty.
  [[nodiscard]] virtual const Peering& peering() const;
  /// Sorted by severity, object and place. New ones are logged as they appear.
  [[nodiscard]] virtual std::vector<Finding> findings() const = 0;
  /// Whether all of it could be read at least once. While it could not, an empty intent() means
  /// "not known", and not "nothing wanted".
  [[nodiscard]] virtual bool loaded() const = 0;
  /// Why it is not loaded, where there is more to say than that.
  [[nodiscard]] virtual std::string obstacle() const { return {}; }
  /// Whether what is bad in it may say anything of this node, so that, after a restart, the
  /// standing forwarding is worth more than what is good of it.
  [[nodiscard]] virtual bool in_doubt(const std::string& node) const = 0;
  /// For texts: "manifests", "kubernetes".
  [[nodiscard]] virtual std::string kind() const = 0;
  /// For texts: "/etc/sextant/manifests", "https://[fd10::1]:6443".
  [[nodiscard]] virtual std::string place() const = 0;
  [[nodiscard]] virtual std::optional<ServerState> server() const { return std::nullopt; }

  [[nodiscard]] SourceState state() const {
    return {.kind = kind(),
            .place = place(),
            .loaded = loaded(),
            .obstacle = obstacle(),
            .findings = findings(),
            .server = server()};
  }
};

}  // namespace sextant::sources
