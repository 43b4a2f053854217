// The laboratory's underlay: routers, links, addresses and static routes, as data for `ip -batch`.
//
// The routers' SIDs are seg6local routes: Linux 6.18 answers a reduced SRH (RFC 8754 section 4.1.1)
// with an ICMPv6 Parameter Problem where the SID is a local address with only seg6_enabled=1.

#include <fmt/format.h>

#include "lab.h"

namespace sextant::conformance {

namespace {

constexpr std::string_view kRouter1 = R"(
link set lo up
address add fcf0:0:0:1::1/64 dev to-a nodad
address add 10.1.0.1/24 dev to-a
address add fcf0:0:0:3::1/64 dev to-r3 nodad
address add 10.3.0.1/24 dev to-r3
link set to-a up
link set to-r3 up
route add fd10::a/128 via fcf0:0:0:1::2
route add fcdd:0:0:a::/64 via fcf0:0:0:1::2
route add fcff:1::1/128 encap seg6local action End dev to-r3
route add 192.168.10.2/32 via 10.1.0.2
route add ::/0 via fcf0:0:0:3::2
route add 0.0.0.0/0 via 10.3.0.2
)";

constexpr std::string_view kRouter2 = R"(
link set lo up
address add fcf0:0:0:2::1/64 dev to-a nodad
address add 10.2.0.1/24 dev to-a
address add fcf0:0:0:4::1/64 dev to-r3 nodad
address add 10.4.0.1/24 dev to-r3
link set to-a up
link set to-r3 up
route add fd10::a/128 via fcf0:0:0:2::2
route add fcdd:0:0:a::/64 via fcf0:0:0:2::2
route add fcff:2::1/128 encap seg6local action End dev to-r3
route add 192.168.10.2/32 via 10.2.0.2
route add ::/0 via fcf0:0:0:4::2
route add 0.0.0.0/0 via 10.4.0.2
)";

constexpr std::string_view kRouter3 = R"(
link set lo up
address add fcf0:0:0:3::2/64 dev to-r1 nodad
address add 10.3.0.2/24 dev to-r1
address add fcf0:0:0:4::2/64 dev to-r2 nodad
address add 10.4.0.2/24 dev to-r2
address add fd11::1/64 dev to-b nodad
address add 192.168.11.1/24 dev to-b
address add fd12::1/64 dev to-c nodad
address add 192.168.12.1/24 dev to-c
link set to-r1 up
link set to-r2 up
link set to-b up
link set to-c up
route add fcff:1::/32 via fcf0:0:0:3::1
route add fcff:2::/32 via fcf0:0:0:4::1
route add fcf0:0:0:1::/64 via fcf0:0:0:3::1
route add fcf0:0:0:2::/64 via fcf0:0:0:4::1
route add fcdd:0:0:b::/64 via fd11::b
route add fcdd:0:0:c::/64 via fd12::c
)";

constexpr std::string_view kNodeA = R"(
link set lo up
address add fd10::a/128 dev lo nodad
address add 192.168.10.2/32 dev lo
)";

constexpr std::string_view kNodeB = R"(
link set lo up
address add fd11::b/64 dev to-r3 nodad
address add 192.168.11.2/24 dev to-r3
link set to-r3 up
route add default via fd11::1
route add default via 192.168.11.1
)";

constexpr std::string_view kNodeC = R"(
link set lo up
address add fd12::c/64 dev to-r3 nodad
address add 192.168.12.2/24 dev to-r3
link set to-r3 up
route add default via fd12::1
route add default via 192.168.12.1
)";

/// A second link of b and c, on which they are neighbours.
constexpr std::string_view kOnLinkB = R"(
address add fd11::b/128 dev to-c nodad
link set to-c up
route add fd12::c/128 dev to-c
)";
constexpr std::string_view kOnLinkC = R"(
address add fd12::c/128 dev to-b nodad
link set to-b up
route add fd11::b/128 dev to-b
)";

}  // namespace

void Lab::make_underlay(const LabOptions& options) {
  for (const std::string name : {"r1", "r2", "r3"}) {
    const LabNetns& router = routers_.emplace(name, LabNetns(name)).first->second;
    router.sysctl({"net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                   "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                   "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"});
  }
  for (const std::string name : {"a", "b", "c"}) {
    const auto& node =
        nodes_.emplace(name, std::make_unique<Node>(name, under_test_)).first->second;
    // A distribution's defaults: nothing is forwarded yet, loose reverse path filter.
    node->netns().sysctl({"net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                          "net.ipv4.ip_forward=0", "net.ipv4.conf.all.rp_filter=0",
                          "net.ipv4.conf.default.rp_filter=2"});
  }
  // Both ends get different indexes: the kernel holds a veth pair with two equal ones for a
  // physical device, whose carrier it reports up to a second late.
  int index = 100;
  const auto link = [&index](const LabNetns& from, std::string_view device, const LabNetns& to,
                             std::string_view peer) {
    from.ip(
        fmt::format("link add {} index {} mtu {} type veth peer name {} index {} mtu {} netns {}\n",
                    device, index, kUnderlayMtu, peer, index + 1, kUnderlayMtu, to.name()));
    index += 2;
  };
  const LabNetns& a = node("a").netns();
  const LabNetns& b = node("b").netns();
  const LabNetns& c = node("c").netns();
  link(a, "to-r1", router("r1"), "to-a");
  link(a, "to-r2", router("r2"), "to-a");
  link(router("r1"), "to-r3", router("r3"), "to-r1");
  link(router("r2"), "to-r3", router("r3"), "to-r2");
  link(router("r3"), "to-b", b, "to-r3");
  link(router("r3"), "to-c", c, "to-r3");
  router("r1").ip(kRouter1);
  router("r2").ip(kRouter2);
  router("r3").ip(kRouter3);
  a.ip(kNodeA);
  b.ip(kNodeB);
  c.ip(kNodeC);
  uplink_up("r1");
  uplink_up("r2");
  route_to_a_through("r1");
  if (options.on_link) {
    link(b, "to-c", c, "to-b");
    b.ip(kOnLinkB);
    c.ip(kOnLinkC);
  }
}

void Lab::uplink_up(const std::string& router_name) const {
  const bool first = router_name == "r1";
  // Both are default routes, the one through r1 is preferred; r2's own SIDs are reached through r2.
  nodes_.at("a")->netns().ip(fmt::format(
      R"(address replace fcf0:0:0:{n}::2/64 dev to-r{n} nodad
address replace 10.{n}.0.2/24 dev to-r{n}
link set to-r{n} up
route replace default via fcf0:0:0:{n}::1 metric {metric} src fd10::a
route replace default via 10.{n}.0.1 metric {metric} src 192.168.10.2
route replace fcff:{n}::/32 via fcf0:0:0:{n}::1
)",
      fmt::arg("n", first ? 1 : 2), fmt::arg("metric", first ? 100 : 200)));
}

void Lab::uplink_down(const std::string& router_name) const {
  nodes_.at("a")->netns().ip(fmt::format("link set to-{} down\n", router_name));
}

void Lab::route_to_a_through(const std::string& router_name) const {
  const int link = router_name == "r1" ? 3 : 4;
  router("r3").ip(fmt::format(
      R"(route replace fd10::a/128 via fcf0:0:0:{n}::1
route replace fcdd:0:0:a::/64 via fcf0:0:0:{n}::1
route replace 192.168.10.2/32 via 10.{n}.0.1
)",
      fmt::arg("n", link)));
}

void Lab::route_pods_in_underlay() const {
  for (const std::string name : {"r1", "r2", "r3"}) {
    for (const auto& [node_name, node] : intent_.nodes) {
      for (const overlay::PodPrefix& pods : node.pod_prefixes) {
        const bool v4 = pods.prefix.family() == Family::kIpv4;
        // The way to the node's pods is the way to the node.
        std::string gateway;
        if (node_name == "a") {
          gateway = name == "r1"   ? (v4 ? "10.1.0.2" : "fcf0:0:0:1::2")
                    : name == "r2" ? (v4 ? "10.2.0.2" : "fcf0:0:0:2::2")
                                   : (v4 ? "10.3.0.1" : "fcf0:0:0:3::1");
        } else if (name == "r3") {
          gateway = address(node_name, pods.prefix.family()).to_string();
        } else {
          continue;  // the default route
        }
        router(name).ip(fmt::format("route add {} via {}\n", pods.prefix.to_string(), gateway));
      }
    }
  }
}

}  // namespace sextant::conformance
