// A testbed of this process's own, shared by the tests of the program, and what they do on it:
// streams between two pods, edits that move them from one path to another, agents that end and
// start.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "testbed/stream.h"
#include "testbed/testbed.h"

namespace sextant::e2e {

/// Where sextant, sextantd and sextant-cni lie.
[[nodiscard]] std::filesystem::path programs();
/// Where a sextantd of another build lies: its BPF programs differ, and one of their maps.
[[nodiscard]] std::filesystem::path other_build();

/// The library that lets a process's clock jump: see clock_jump.cpp.
[[nodiscard]] std::filesystem::path clock_jump();

/// A way from master to worker2, as the segments before the endpoint's own SID.
struct Path {
  std::string_view name;
  std::vector<std::string> segments;
  std::string_view router;  // crossed on this path only, right behind r3
};
inline const Path kNorth{"north", {"fcff:6::1", "fcff:8::1"}, "r4"};
inline const Path kSouth{"south", {"fcff:2::1", "fcff:7::1", "fcff:8::1"}, "r2"};

inline constexpr std::uint16_t kPort4 = 47004;
inline constexpr std::uint16_t kPort6 = 47006;

class Lab {
 public:
  /// Up; the full one with master's policies to worker2 on kNorth.
  [[nodiscard]] static Result<std::unique_ptr<Lab>> start(
      testbed::Kind kind = testbed::Kind::kFull);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  [[nodiscard]] const testbed::Id& id() const { return id_; }
  [[nodiscard]] std::string netns(std::string_view machine) const { return id_.netns(machine); }
  /// Starts again what has stopped; what was repaired.
  [[nodiscard]] Result<std::vector<std::string>> repair() const;

  /// Writes master's ConfigMap: both families to worker2 by `path`.
  [[nodiscard]] Result<void> take(const Path& path) const;
  /// A stream from master's first pod to worker2's first pod.
  [[nodiscard]] Result<testbed::Stream> stream(Family family,
                                               std::uint32_t packets_per_second) const;
  /// Runs a shell's commands on a machine. An exit status other than 0 is an Error.
  [[nodiscard]] Result<std::string> shell(std::string_view machine,
                                          const std::string& commands) const;
  /// The address of a pod on a node.
  [[nodiscard]] Result<IpAddress> pod_address(std::string_view node, Family family) const;

  /// The process that serves the node's socket; 0 where none runs.
  [[nodiscard]] pid_t agent(std::string_view node) const;
  struct Agent {
    std::filesystem::path program = programs() / "sextantd";
    std::filesystem::path manifests = {};  // empty: the testbed's
    std::filesystem::path socket = {};     // empty: the testbed's
    std::filesystem::path bgp = {};        // settings of BGP; empty: none
    std::map<std::string, std::string> environment = {};
  };
  /// Starts one where none runs; the caller awaits what it needs of it.
  [[nodiscard]] Result<pid_t> start_agent(std::string_view node, const Agent& agent) const;
  /// Ends it by that signal and waits until it is gone.
  [[nodiscard]] Result<void> end_agent(std::string_view node, int signal) const;
  /// What the node's agents have logged from byte `from` on.
  [[nodiscard]] std::string log(std::string_view node, std::size_t from = 0) const;
  /// Waits until that has `text`; all of it either way.
  [[nodiscard]] std::string await_log(std::string_view node, std::size_t from,
                                      std::string_view text) const;
  /// GET of the node's agent: the body.
  [[nodiscard]] Result<std::string> ask(std::string_view node, const std::string& target) const;
  /// Asks until the answer has `text` (or, with `present` false, has it no more). The last answer
  /// either way.
  [[nodiscard]] std::string await_status(std::string_view node, std::string_view text,
                                         bool present = true) const;
  [[nodiscard]] std::filesystem::path manifest(const std::string& name) const;

 private:
  explicit Lab(testbed::Id id) : id_(std::move(id)) {}
  testbed::Id id_;
};

/// Asks until it is so, for a state that nothing announces; false after some 20 s.
[[nodiscard]] bool await(const std::function<bool()>& so);

/// Sends the signal, and waits until the process is gone.
[[nodiscard]] Result<void> kill_and_wait(pid_t process, int signal = SIGKILL);

}  // namespace sextant::e2e
