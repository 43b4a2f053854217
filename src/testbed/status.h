// What of a testbed is there, as the machine shows it.
#pragma once

#include <boost/json/fwd.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

struct MachineStatus {
  std::string name;  // "master", "r3", "pod-master-1"
  std::string role;  // "node", "router", "host", "pod", "switch"
  std::string netns;
  std::vector<std::string> addresses;
  std::string attached_to;           // a pod's node, a node's or host's router; may be empty
  bool present = false;              // the namespace is there
  std::vector<std::string> stopped;  // daemons that should run here and do not
};

struct Status {
  std::string state;  // "up", "down", "partial" (interrupted, or something stopped)
  bool agents = true;
  std::optional<Injector> bgp = {};
  std::vector<MachineStatus> machines;
};

[[nodiscard]] Result<Status> status(const Id& id);

/// What the agents read: manifests, with BGP its settings too.
[[nodiscard]] std::filesystem::path configuration(const Id& id, const Status& status);

/// With everything a script needs: names, addresses, SIDs, paths of sockets and manifests.
[[nodiscard]] boost::json::object to_json(const Id& id, const Status& status);

}  // namespace sextant::testbed
