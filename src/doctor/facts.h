// What the gatherers find on this node. Plain values, so that each check is a function that a test
// can ask.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "footprint/cni_files.h"
#include "footprint/inventory.h"

namespace sextant::doctor {

/// A part of the kernel, tried in a network namespace of its own.
struct KernelFeature {
  std::string name;   // "seg6 encapsulation by nexthop objects"
  std::string error;  // why it does not work; empty where it does
  bool required = true;
  std::string option;  // "CONFIG_IPV6_SEG6_LWTUNNEL"
};

struct SystemFacts {
  std::string missing_privilege;  // of the data plane; empty where there is none
  std::vector<KernelFeature> features;
};

struct DeviceFacts {
  std::string name;
  bool up = false;
  std::uint32_t mtu = 0;
  bool uplink = false;
  std::string kind;  // "veth", "bridge"; empty for hardware
};

struct SysctlFacts {
  std::vector<std::string> uplinks;
  std::map<std::string, std::string> host;       // "net/ipv4/ip_forward": "1"
  std::map<std::string, std::string> gateway;    // of the gateway's namespace; empty without one
  std::vector<std::string> duplicate_addresses;  // "fd12::1000/64 on eth0": DAD failed
  std::size_t ipv6_routes = 0;
  std::size_t neighbors[2] = {0, 0};  // IPv4, IPv6, permanent ones left out
  bool router_advertised_default = false;
};

struct GatewayFacts {
  std::string name;
  bool present = false;
  bool stale_name = false;           // a name without a namespace
  std::vector<DeviceFacts> host;     // sextant0, sextant1 as they are
  std::vector<DeviceFacts> gateway;  // inner, outer
};

/// Host sides of the pods that Calico wires: caliXXXXXXXXXXX.
inline constexpr std::string_view kCalicoPodPrefix = "cali";

struct RouteFact {
  IpPrefix destination;
  unsigned protocol = 0;  // rtm_protocol
  std::string text;       // "10.0.1.0/24 dev eth1 proto static"
};

struct ProcessFact {
  std::string name;  // "systemd-networkd", "zebra"
  int pid = 0;
  std::string command_line;
};

struct OwnerFacts {
  std::vector<RouteFact> routes;           // the main table, Sextant's own left out
  std::vector<ProcessFact> processes;      // that manage routes, in this network namespace
  std::vector<std::string> networkd;       // its configuration's texts, the strongest last
  bool network_manager_ignores = false;    // its configuration leaves our devices unmanaged
  std::vector<std::string> other_devices;  // of other CNI plugins
};

struct CniFacts {
  bool here = true;  // false: a network namespace beside the machine's own, which has no runtime
  std::filesystem::path config_folder;
  std::vector<footprint::CniConfig> configs;  // in the runtime's order
  std::vector<std::string> program_folders;
  std::string program;  // path of sextant-cni; empty where there is none
  bool program_runs = false;
  std::map<std::string, std::uint32_t> pod_devices;  // name, MTU; Calico's too
  std::uint32_t pod_mtu = 0;                         // what new pods get
};

}  // namespace sextant::doctor
