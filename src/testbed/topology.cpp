#include "testbed/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sextant::testbed {
namespace {

// ---- the full testbed
// ----------------------------------------------------------------------------

constexpr unsigned kRouters = 8;

struct RouterLinkRow {
  unsigned a, b;
  unsigned number;  // 10.<number>.0.0/16
};
constexpr std::array kRouterLinks{
    RouterLinkRow{1, 2, 1}, RouterLinkRow{2, 3, 2},  RouterLinkRow{2, 7, 3}, RouterLinkRow{3, 4, 4},
    RouterLinkRow{4, 5, 5}, RouterLinkRow{4, 6, 6},  RouterLinkRow{5, 6, 7}, RouterLinkRow{6, 7, 8},
    RouterLinkRow{6, 8, 9}, RouterLinkRow{7, 8, 10},
};

struct NodeRow {
  const char* name;
  unsigned router;
  const char* ipv6;
  const char* gateway6;
  const char* ipv4;
  const char* gateway4;
};
constexpr std::array kFullNodes{
    NodeRow{"master", 3, "fd10::1000", "fd10::1020", "192.168.10.254", "192.168.10.3"},
    NodeRow{"worker1", 3, "fd11::1000", "fd11::1020", "192.168.11.254", "192.168.11.3"},
    NodeRow{"worker2", 8, "fd12::1000", "fd12::1020", "192.168.12.254", "192.168.12.3"},
};
constexpr std::array kBasicNodes{
    NodeRow{"master", 0, "fd10::1000", "", "192.168.10.1", ""},
    NodeRow{"worker1", 0, "fd10::1001", "", "192.168.10.2", ""},
    NodeRow{"worker2", 0, "fd10::1002", "", "192.168.10.3", ""},
};

/// What a node has in both testbeds.
struct OverlayRow {
  const char* locator;
  const char* dt4;
  const char* dt6;
  const char* pods4;
  const char* pods6;
};
constexpr std::array kOverlay{
    OverlayRow{"fcdd:0:0:aa::/64", "fcdd::aa:34b8:247c:36da:db44", "fcdd::aa:34b8:247c:36da:db45",
               "172.16.0.0/26", "fdfb:af47:32af::/122"},
    OverlayRow{"fcdd:0:0:11aa::/64", "fcdd::11aa:c11:b42f:f17e:a682",
               "fcdd::11aa:c11:b42f:f17e:a683", "172.16.0.64/26", "fdfb:af47:32af::40/122"},
    OverlayRow{"fcdd:0:0:12aa::/64", "fcdd::12aa:d460:b250:45:b04", "fcdd::12aa:d460:b250:45:b05",
               "172.16.0.128/26", "fdfb:af47:32af::80/122"},
};

struct HostRow {
  const char* name;
  unsigned router;
  const char* ipv6_net;  // router ::1, host ::2
  unsigned length;
  const char* ipv4 = "";
  const char* gateway4 = "";
};
constexpr std::array kHosts{
    HostRow{"h11", 1, "fd00:0:11", 64},
    HostRow{"h12", 1, "fd00:0:12", 64},
    HostRow{"h13", 1, "fd00:0:13", 64},
    HostRow{"h31", 3, "fd00:0:31", 64},
    HostRow{"h32", 3, "fd00:0:32", 64},
    HostRow{"h33", 3, "fd00:0:33", 64},
    HostRow{"h51", 5, "fd00:0:51", 64},
    HostRow{"h52", 5, "fd00:0:52", 64},
    HostRow{"h53", 5, "fd00:0:53", 64},
    HostRow{"h81", 8, "fd00:0:81", 64},
    HostRow{"h82", 8, "fd00:0:82", 64},
    HostRow{"h83", 8, "fd00:0:83", 64},
    HostRow{"hdc1", 2, "fcff:2:1", 48},
    HostRow{"hdc2", 8, "fcff:8:1", 48},
    HostRow{"hdc3", 5, "fcff:5:1", 48},
    HostRow{"injector", 3, "fd00:0:34", 64, "192.168.9.254", "192.168.9.3"},
};

/// Both families of one policy; the binding SIDs are `bsid` and the next one, in the BSID pool.
struct DetourRow {
  const char* headend;
  const char* endpoint;
  unsigned bsid;
  std::vector<std::string> segments;
};
const std::vector<DetourRow>& detours() {
  static const std::vector<DetourRow> rows{
      {"master", "worker1", 0x105, {"fcff:3::1"}},
      {"master", "worker2", 0x25, {"fcff:6::1", "fcff:8::1"}},
      {"worker1", "master", 0x185, {"fcff:3::1"}},
      {"worker1", "worker2", 0x195, {"fcff:7::1", "fcff:8::1"}},
      {"worker2", "master", 0x205, {"fcff:2::1", "fcff:3::1"}},
      {"worker2", "worker1", 0x215, {"fcff:4::1", "fcff:3::1"}},
  };
  return rows;
}

// ---- tables to topology
// --------------------------------------------------------------------------

std::string router_name(unsigned number) { return fmt::format("r{}", number); }

ClusterNode cluster_node(const NodeRow& row, const OverlayRow& overlay, bool control_plane) {
  ClusterNode node{.name = row.name,
                   .router = row.router == 0 ? "" : router_name(row.router),
                   .addresses = {row.ipv6, row.ipv4},
                   .gateways = {},
                   .locator = overlay.locator,
                   .dt4 = overlay.dt4,
                   .dt6 = overlay.dt6,
                   .pod_prefixes = {overlay.pods4, overlay.pods6},
                   .control_plane = control_plane};
  if (row.router != 0) node.gateways = {row.gateway6, row.gateway4};
  return node;
}

Topology make_basic() {
  Topology result;
  result.kind = Kind::kBasic;
  result.bridge = "switch";
  for (std::size_t i = 0; i < kBasicNodes.size(); ++i) {
    const NodeRow& row = kBasicNodes[i];
    result.nodes.push_back(cluster_node(row, kOverlay[i], i == 0));
    result.links.push_back({.a = {row.name,
                                  "to-switch",
                                  {std::string{row.ipv6} + "/64", std::string{row.ipv4} + "/24"}},
                            .b = {result.bridge, std::string{"to-"} + row.name, {}}});
  }
  return result;
}

void add_routers(Topology& result) {
  for (unsigned n = 1; n <= kRouters; ++n) {
    result.routers.push_back(
        {.name = router_name(n),
         .number = n,
         .loopbacks = {fmt::format("fcff:{}::1/32", n), fmt::format("10.255.255.{}/32", n)},
         .end_sid = fmt::format("fcff:{}::1", n)});
  }
  for (const RouterLinkRow& row : kRouterLinks) {
    const auto end = [&row](unsigned self, unsigned peer, int host) {
      return LinkEnd{router_name(self),
                     "to-" + router_name(peer),
                     {fmt::format("fcf0:0:{}:{}::{}/64", row.a, row.b, host),
                      fmt::format("10.{}.0.{}/16", row.number, host)}};
    };
    result.links.push_back({.a = end(row.a, row.b, 1), .b = end(row.b, row.a, 2)});
  }
}

void add_nodes(Topology& result) {
  for (std::size_t i = 0; i < kFullNodes.size(); ++i) {
    const NodeRow& row = kFullNodes[i];
    result.nodes.push_back(cluster_node(row, kOverlay[i], i == 0));
    const std::string router = router_name(row.router);
    result.links.push_back(
        {.a = {row.name,
               "to-" + router,
               {std::string{row.ipv6} + "/64", std::string{row.ipv4} + "/24"}},
         .b = {router,
               std::string{"to-"} + row.name,
               {std::string{row.gateway6} + "/64", std::string{row.gateway4} + "/24"}}});
  }
}

void add_hosts(Topology& result) {
  for (const HostRow& row : kHosts) {
    const std::string router = router_name(row.router);
    const std::string self = std::string{row.ipv6_net} + "::2";
    const std::string gateway = std::string{row.ipv6_net} + "::1";
    Host host{.name = row.name, .router = router, .addresses = {self}, .gateways = {gateway}};
    Link link{.a = {row.name, "to-" + router, {fmt::format("{}/{}", self, row.length)}},
              .b = {router, "to-" + host.name, {fmt::format("{}/{}", gateway, row.length)}}};
    if (*row.ipv4 != '\0') {
      host.addresses.emplace_back(row.ipv4);
      host.gateways.emplace_back(row.gateway4);
      link.a.addresses.push_back(std::string{row.ipv4} + "/24");
      link.b.addresses.push_back(std::string{row.gateway4} + "/24");
    }
    result.hosts.push_back(std::move(host));
    result.links.push_back(std::move(link));
  }
}

Topology make_full() {
  Topology result;
  result.kind = Kind::kFull;
  add_routers(result);
  add_nodes(result);
  add_hosts(result);
  for (const DetourRow& row : detours()) {
    unsigned bsid = row.bsid;
    for (const Family family : {Family::kIpv6, Family::kIpv4}) {
      result.policies.push_back({.headend = row.headend,
                                 .endpoint = row.endpoint,
                                 .family = family,
                                 .bsid = fmt::format("cafe::{:x}", bsid++),
                                 .segments = row.segments});
    }
  }
  return result;
}

template <typename T>
const T* find_named(const std::vector<T>& rows, std::string_view name) {
  const auto found = std::ranges::find(rows, name, &T::name);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::string_view to_string(Kind kind) { return kind == Kind::kBasic ? "basic" : "full"; }

std::optional<Kind> parse_kind(std::string_view text) {
  for (const Kind kind : {Kind::kBasic, Kind::kFull}) {
    if (text == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> Topology::machines() const {
  std::vector<std::string> names;
  for (const ClusterNode& each : nodes) names.push_back(each.name);
  for (const Router& each : routers) names.push_back(each.name);
  for (const Host& each : hosts) names.push_back(each.name);
  if (!bridge.empty()) names.push_back(bridge);
  return names;
}

const ClusterNode* Topology::node(std::string_view name) const { return find_named(nodes, name); }

const Router* Topology::router(std::string_view name) const { return find_named(routers, name); }

const Topology& topology(Kind kind) {
  static const Topology basic = make_basic();
  static const Topology full = make_full();
  return kind == Kind::kBasic ? basic : full;
}

std::string without_length(std::string_view address) {
  return std::string{address.substr(0, address.find('/'))};
}

}  // namespace sextant::testbed
