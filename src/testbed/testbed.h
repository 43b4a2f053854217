// Laboratories of network namespaces: the basic and the full testbed.
//
// Flow: topology tables -> namespaces, veth pairs, addresses -> FRR on each router -> one sextantd
// a node -> pods wired by the real CNI plugin -> IS-IS awaited. What is there is found by namespace
// names and by the state directory, never by memory of this process: every call works on what an
// earlier, perhaps interrupted, process left. Nothing is made in the caller's own network
// namespace.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "testbed/topology.h"

namespace sextant::testbed {

/// Names one testbed on this machine.
class Id {
 public:
  /// `name`: empty for the default testbed, else 1 to 16 lower-case letters and digits, and not
  /// "pod".
  [[nodiscard]] static Result<Id> make(Kind kind, std::string name = {});
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// "sx-r1", "sx-N-r1"
  [[nodiscard]] std::string netns(std::string_view machine) const;
  /// "pod-master-1" (a machine too: netns() gives its namespace); numbers start at 1.
  [[nodiscard]] static std::string pod(std::string_view node, unsigned number);
  /// /run/sextant-testbed/<name or "default">
  [[nodiscard]] std::filesystem::path directory() const;
  /// Where the nodes' agents read their manifests.
  [[nodiscard]] std::filesystem::path manifests() const { return directory() / "manifests"; }
  /// The ConfigMap srv6-config-<node>.
  [[nodiscard]] std::filesystem::path config_map(std::string_view node) const;
  /// The agent's API.
  [[nodiscard]] std::filesystem::path socket(std::string_view node) const;
  /// "full testbed", "full testbed 'lab2'"
  [[nodiscard]] std::string title() const;
  /// "sextant testbed full up --name lab2", for hints.
  [[nodiscard]] std::string command(std::string_view verb) const;

 private:
  Id(Kind kind, std::string name) : kind_(kind), name_(std::move(name)) {}
  Kind kind_;
  std::string name_;
};

/// A step of the work, as it happens: "IS-IS converged".
using Progress = std::function<void(std::string_view step)>;

/// The program that injects policies over BGP.
enum class Injector : std::uint8_t { kNone, kSextantd, kGobgpd };

struct UpOptions {
  std::optional<unsigned> pods;  // a node; none: 2, or what a running testbed has
  bool agents = true;            // false: no sextantd on the nodes
  /// Full testbed: nodes know each other over BGP alone, and policies are injected. None: what a
  /// running testbed has.
  std::optional<Injector> bgp = {};
  /// Where `sextantd` and `sextant-cni` lie; empty: beside the running program.
  std::filesystem::path programs;
  std::chrono::seconds patience{60};  // for IS-IS and for the agents
  Progress progress;
};

struct UpReport {
  bool was_up = false;                // and nothing had to be done
  std::vector<std::string> repaired;  // what had stopped: "sextantd on worker1"
};

/// Makes it so, keeping what runs. Errors leave what was built, for a look; down() removes it.
[[nodiscard]] Result<UpReport> up(const Id& id, const UpOptions& options);

struct DownReport {
  std::size_t processes = 0;
  std::size_t namespaces = 0;
};

/// Ends every process that lives in the testbed's namespaces, and removes all of it; nothing there
/// is no error, a testbed of the other kind under that name is one.
[[nodiscard]] Result<DownReport> down(const Id& id, const Progress& progress = {});

}  // namespace sextant::testbed
