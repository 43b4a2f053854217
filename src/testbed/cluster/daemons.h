// The programs of a cluster, each a process of its own with a log: started where it does not run,
// ended by name. Nothing restarts what stops, so that a test decides when.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "testbed/cluster/programs.h"
#include "testbed/cluster/settings.h"
#include "testbed/process.h"

namespace sextant::cluster {

struct Daemon {
  std::string node;
  std::string name;          // "kubelet"
  testbed::Command command;  // its line names the state directory
};

/// What every step needs to know.
struct Plan {
  Places places;
  Settings settings;
  Programs programs;

  [[nodiscard]] const testbed::Topology& lab() const {
    return testbed::topology(settings.underlay);
  }
};

/// etcd and the API server; with `controllers`, controller manager and scheduler, which end at once
/// where no API server answers.
[[nodiscard]] std::vector<Daemon> control_plane(const Plan& plan);

/// 0 where it does not run.
[[nodiscard]] pid_t process_of(const Places& places, const std::string& node,
                               const std::string& daemon);

/// False where it ran already.
[[nodiscard]] Result<bool> start(const Places& places, const Daemon& daemon);

/// SIGTERM, then SIGKILL. False where it did not run.
[[nodiscard]] Result<bool> stop(const Places& places, const std::string& node,
                                const std::string& daemon);

/// The end of a daemon's log, for an error's hint.
[[nodiscard]] std::string end_of_log(const Places& places, const std::string& node,
                                     const std::string& daemon);

}  // namespace sextant::cluster
