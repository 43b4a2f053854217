#include "dataplane/lab.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <stdexcept>

#include "dataplane/linux/netlink/mtu.h"

namespace sextant::bench {

const Side kA{.name = "a",
              .underlay_ipv4 = "192.168.0.1",
              .underlay_ipv6 = "fd00::a",
              .router = "fd0a::1",
              .to_router = "fd0a::2",
              .locator = "fcbb:0:0:a::/64",
              .decap4 = "fcbb:0:0:a:13::",
              .decap6 = "fcbb:0:0:a:12::",
              .pods4 = "10.1.0.0/24",
              .pods6 = "fd01::/64",
              .steered4 = "10.11.0.0/24",
              .steered6 = "fd11::/64",
              .pod4 = "10.1.0.2",
              .pod6 = "fd01::2",
              .steered_pod4 = "10.11.0.2",
              .steered_pod6 = "fd11::2"};
const Side kB{.name = "b",
              .underlay_ipv4 = "192.168.0.2",
              .underlay_ipv6 = "fd00::b",
              .router = "fd0b::1",
              .to_router = "fd0b::2",
              .locator = "fcbb:0:0:b::/64",
              .decap4 = "fcbb:0:0:b:13::",
              .decap6 = "fcbb:0:0:b:12::",
              .pods4 = "10.2.0.0/24",
              .pods6 = "fd02::/64",
              .steered4 = "10.12.0.0/24",
              .steered6 = "fd12::/64",
              .pod4 = "10.2.0.2",
              .pod6 = "fd02::2",
              .steered_pod4 = "10.12.0.2",
              .steered_pod6 = "fd12::2"};

const Side& other(const Side& side) { return &side == &kA ? kB : kA; }

namespace {

constexpr std::size_t kMaxSegments = 6;  // the agent's default: it decides the pods' MTU

/// The value of a named counter.
std::uint64_t counter(const Space& space, const std::string& table, const std::string& name) {
  const auto text = space.run({"nft", "-j", "list", "counter", "inet", table, name});
  const auto answer = boost::json::parse(text);
  for (const auto& entry : answer.at("nftables").as_array()) {
    if (const auto* found = entry.as_object().if_contains("counter")) {
      return found->at("packets").to_number<std::uint64_t>();
    }
  }
  throw std::runtime_error("no counter " + name + " in " + space.name());
}

}  // namespace

Lab::Lab(const std::string& peer)
    : a_{Space(peer + "-a"), Space(peer + "-pod-a")},
      b_{Space(peer + "-b"), Space(peer + "-pod-b")},
      router_(peer + "-r") {
  // Indexes differ at both ends: the kernel holds a veth pair with two equal ones for a physical
  // device, whose carrier it reports up to a second late.
  a_.node.ip(fmt::format(
      "link add ul index 100 mtu {0} type veth peer name ul index 101 mtu {0} netns {1}\n",
      kUnderlayMtu, b_.node.name()));
  wire(kA, a_, 200);
  wire(kB, b_, 300);
  wire_router();
  // The packets end here, at the least cost.
  b_.pod.nft(fmt::format(R"(table inet sink {{
  counter arrived {{ }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    udp dport {} counter name arrived drop
  }}
}}
)",
                         kFloodPort));
}

void Lab::wire_router() const {
  router_.sysctl({"net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.accept_dad=0",
                  "net.ipv6.conf.default.accept_dad=0"});
  int index = 110;
  for (const auto* side : {&kA, &kB}) {
    using fmt::arg;
    node(*side).ip(fmt::format(
        R"(link add to-r index {index} mtu {mtu} type veth peer name to-{name} index {peer_index} mtu {mtu} netns {router}
address add {near}/64 dev to-r nodad
link set to-r up
route add fcff::/16 via {far}
)",
        arg("index", index), arg("peer_index", index + 1), arg("mtu", kUnderlayMtu),
        arg("name", side->name), arg("router", router_.name()), arg("near", side->to_router),
        arg("far", side->router)));
    router_.ip(
        fmt::format("address add {}/64 dev to-{} nodad\nlink set to-{} up\nroute add {} via {}\n",
                    side->router, side->name, side->name, side->locator, side->to_router));
    index += 2;
  }
  for (const auto end : {kFirstEnd, kSecondEnd}) {
    router_.ip(fmt::format("route add {} encap seg6local action End dev to-a\n", end));
  }
}

void Lab::wire(const Side& side, const Machines& machines, int first_index) const {
  const std::vector<std::string> sysctls{
      "net.ipv4.ip_forward=1",          "net.ipv6.conf.all.forwarding=1",
      "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
      "net.ipv4.conf.all.rp_filter=0",  "net.ipv4.conf.default.rp_filter=0"};
  machines.node.sysctl(sysctls);
  using fmt::arg;
  const std::string device = fmt::format("sxp{:0>11}", side.name);
  const std::string host_mac = fmt::format("02:00:00:00:01:0{}", side.name);
  const std::string pod_mac = fmt::format("02:00:00:00:02:0{}", side.name);
  machines.node.ip(fmt::format(
      R"(address add {underlay6}/64 dev ul nodad
address add {underlay4}/24 dev ul
link set ul up
link add {device} index {index} address {host_mac} mtu {mtu} type veth peer name eth0 index 10 address {pod_mac} mtu {mtu} netns {pod}
address add fe80::1/64 dev {device} nodad
link set {device} up
)",
      arg("underlay4", side.underlay_ipv4), arg("underlay6", side.underlay_ipv6),
      arg("device", device), arg("index", first_index), arg("host_mac", host_mac),
      arg("pod_mac", pod_mac), arg("mtu", netlink::pod_mtu(kUnderlayMtu, kMaxSegments)),
      arg("pod", machines.pod.name())));
  for (const auto address : {side.pod4, side.pod6, side.steered_pod4, side.steered_pod6}) {
    const int bits = address.find(':') == std::string_view::npos ? 32 : 128;
    machines.node.ip(
        fmt::format("neighbour add {0} dev {2} lladdr {3} nud permanent\nroute add {0}/{1} dev {2} "
                    "proto 201\n",
                    address, bits, device, pod_mac));
    machines.pod.ip(
        fmt::format("address add {}/{} dev eth0{}\n", address, bits, bits == 128 ? " nodad" : ""));
  }
  machines.pod.ip(fmt::format(R"(link set eth0 up
neighbour add 169.254.1.1 dev eth0 lladdr {0} nud permanent
neighbour add fe80::1 dev eth0 lladdr {0} nud permanent
route add 169.254.1.1 dev eth0 scope link
route add default via 169.254.1.1 dev eth0 src {1}
route add default via fe80::1 dev eth0 src {2}
)",
                              host_mac, side.pod4, side.pod6));
}

void Lab::add_hooks(bool drop_invalid) const {
  // What kube-proxy and a host firewall leave: conntrack on every packet, one look at its state.
  const std::string script = fmt::format(
      R"(table inet hooks {{
  counter forwarded {{ }}
  chain prerouting {{
    type filter hook prerouting priority mangle; policy accept;
    counter
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local counter
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    counter name forwarded
    {}
    ct state established,related accept
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0x4000 masquerade
  }}
}}
)",
      drop_invalid ? "ct state invalid counter drop" : "");
  for (const auto* side : {&kA, &kB}) node(*side).nft(script);
}

std::uint64_t Lab::forwarded(const Side& side) const {
  return counter(node(side), "hooks", "forwarded");
}

std::uint64_t Lab::arrived() const { return counter(b_.pod, "sink", "arrived"); }

}  // namespace sextant::bench
