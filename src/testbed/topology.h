// The two testbeds as data: machines, addresses, links, and the policies that they start with.
//
// Everything that differs between the testbeds stands in topology.cpp's tables; the code that
// builds them is one. Addresses are text as a person would type it; parse_* of base reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace sextant::testbed {

enum class Kind : std::uint8_t { kBasic, kFull };

/// "basic" or "full"
[[nodiscard]] std::string_view to_string(Kind kind);
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view text);

/// One end of a veth pair: the machine, the device's name there, and its addresses with lengths.
struct LinkEnd {
  std::string machine;
  std::string device;
  std::vector<std::string> addresses;  // "fcf0:0:1:2::1/64"
};

struct Link {
  LinkEnd a;
  LinkEnd b;
};

/// rN: runs FRR, and is an SRv6 endpoint.
struct Router {
  std::string name;
  unsigned number = 0;
  std::vector<std::string> loopbacks;  // "fcff:3::1/32", "10.255.255.3/32"
  std::string end_sid;                 // "fcff:3::1"
};

/// A Kubernetes node.
struct ClusterNode {
  std::string name;
  std::string router;                     // its first hop; empty in the basic testbed
  std::vector<std::string> addresses;     // its own, without lengths; the IPv6 one first
  std::vector<std::string> gateways;      // default routes; empty in the basic testbed
  std::string locator;                    // "fcdd:0:0:aa::/64"
  std::string dt4, dt6;                   // the decapsulating SIDs that its ConfigMap fixes
  std::vector<std::string> pod_prefixes;  // IPv4, then IPv6
  bool control_plane = false;
};

/// Anything else behind a router, the policy injector too.
struct Host {
  std::string name;
  std::string router;
  std::vector<std::string> addresses;
  std::vector<std::string> gateways;
};

/// A policy of the paper's ConfigMaps, for one family.
struct PolicyRow {
  std::string headend;
  std::string endpoint;           // a node's name
  Family family = Family::kIpv6;  // of the inner packets
  std::string bsid;
  std::vector<std::string> segments;  // without the endpoint's own SID
};

struct Topology {
  Kind kind = Kind::kBasic;
  std::vector<Router> routers;
  std::vector<ClusterNode> nodes;
  std::vector<Host> hosts;
  std::vector<Link> links;
  std::vector<PolicyRow> policies;
  /// The machine that is a bridge between its link ends; empty where there is none.
  std::string bridge;

  /// Every machine that gets a namespace: nodes, routers, hosts, bridge.
  [[nodiscard]] std::vector<std::string> machines() const;
  [[nodiscard]] const ClusterNode* node(std::string_view name) const;
  [[nodiscard]] const Router* router(std::string_view name) const;
};

[[nodiscard]] const Topology& topology(Kind kind);

/// "fd10::1000" of "fd10::1000/64"
[[nodiscard]] std::string without_length(std::string_view address);

}  // namespace sextant::testbed
