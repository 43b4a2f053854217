// What of Sextant is on this node, however it got there: a whole installation, half of one, or
// what somebody left behind.
//
// Told by what is Sextant's own and nobody else's: names of devices, namespaces and nftables
// tables, protocol numbers of routes and rules, files that name the CNI plugin. Reads only. Must
// run in the node's network namespace.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sextant::footprint {

/// Where files of an installation lie.
struct Places {
  std::filesystem::path socket;
  std::vector<std::filesystem::path> cni_configs;   // folders of network configurations
  std::vector<std::filesystem::path> cni_programs;  // folders of plugins
  std::filesystem::path leases;                     // host-local's, a folder a network
  std::filesystem::path manifests;
};
/// The usual ones. In a network namespace beside the machine's own (a testbed's node) files are
/// the machine's and not that node's: only the socket is named.
[[nodiscard]] Places default_places();

enum class Kind {
  kPodDevice,   // a pod's host end
  kDevice,      // sextant0, sextant1
  kNamespace,   // the gateway
  kRoutes,      // of one table and family
  kRule,        //
  kNftTable,    // "ip6 sextant"
  kTcProgram,   // at an uplink: "eth0 ingress", "eth0 egress"
  kCniConfig,   // a file
  kCniProgram,  // a file
  kLeases,      // a folder: addresses that pods had
  kRuntime,     // socket, lock and their folder
  kManifests,   // what the operator wrote
};
/// "pod device", "CNI configuration", ...
[[nodiscard]] std::string_view to_string(Kind kind);

struct Item {
  Kind kind = Kind::kDevice;
  std::string name;         // of the device, a path, "main IPv4 protocol 200"
  std::string detail = {};  // "17 routes"
  friend bool operator==(const Item&, const Item&) = default;
};

struct Inventory {
  std::optional<pid_t> agent;  // it runs; 0: in a pid namespace that cannot be looked into
  std::vector<Item> items;     // in the order of Kind
  [[nodiscard]] bool has(Kind kind) const;
  [[nodiscard]] std::vector<std::string> names(Kind kind) const;
};

[[nodiscard]] Result<Inventory> take_inventory(const Places& places);

/// The agent of this network namespace, by the claim that it holds (agent/lock.h).
[[nodiscard]] std::optional<pid_t> running_agent();

}  // namespace sextant::footprint
