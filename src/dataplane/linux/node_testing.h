// For tests: a node in a network namespace of its own with one uplink, and its data plane.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/linux/gateway.h"
#include "dataplane/linux/linux_dataplane.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/rule.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::dataplane::testing {

using netlink::testing::expect;

inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
inline Ipv6Address v6(std::string_view text) { return Ipv6Address::parse(text).value(); }
inline srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }

/// The `index`th other node's path, plain, and the SID it ends in.
inline overlay::PathKey path_of(std::uint32_t index, Family family) {
  Ipv6Address::Bytes bytes{0xfd, 0x12};
  bytes[12] = 1;
  bytes[14] = static_cast<std::uint8_t>(index >> 8);
  bytes[15] = static_cast<std::uint8_t>(index);
  return {.endpoint = Ipv6Address(bytes), .family = family};
}
inline overlay::Path to_node(std::uint32_t index, std::vector<srv6::Sid> via = {}) {
  Ipv6Address::Bytes bytes{0xfc, 0xdd};
  bytes[6] = static_cast<std::uint8_t>(index >> 8);
  bytes[7] = static_cast<std::uint8_t>(index);
  bytes[15] = 0x12;
  via.emplace_back(Ipv6Address(bytes));
  return {.lists = {{.segments = std::move(via)}}};
}

/// A node with the usual SIDs and no other nodes.
inline overlay::Forwarding lone_node() {
  overlay::Forwarding node;
  node.encapsulation_source = v6("fd12::1000");
  node.overlay_ipv4 = Ipv4Address({172, 16, 0, 1});
  node.overlay_ipv6 = v6("fd20::1");
  node.pod_prefixes = {prefix("172.16.0.0/26"), prefix("fd20::/122")};
  node.locator = prefix("fcdd:0:0:aa::/64");
  node.local_sids = {{sid("fcdd:0:0:aa:1::"), {.behavior = srv6::Behavior::kEnd}},
                     {sid("fcdd:0:0:aa:12::"), {.behavior = srv6::Behavior::kEndDt6}},
                     {sid("fcdd:0:0:aa:13::"), {.behavior = srv6::Behavior::kEndDt4}}};
  for (const auto& each : node.pod_prefixes) {
    node.routes[{overlay::RouteScope::kAll, each}] = overlay::Unreachable{};
  }
  node.routes[{overlay::RouteScope::kAll, *node.locator}] = overlay::Unreachable{};
  return node;
}

inline void add_route(overlay::Forwarding& node, std::string_view to, std::uint32_t index) {
  const auto destination = prefix(to);
  const auto key = path_of(index, destination.family());
  node.paths[key] = to_node(index);
  node.routes[{overlay::RouteScope::kAll, destination}] = key;
}

class TestNode {
 public:
  explicit TestNode(const std::string& label) : netns_(label), socket_(netns_.socket()) {
    expect(
        netlink::create_veth(socket_, {.name = "up0", .up = true}, {.name = "up0p", .up = true}));
    expect(netlink::add_address(
        socket_, {.link = link("up0"), .address = v6("fd12::1000"), .prefix_length = 64}));
    expect(netlink::add_address(
        socket_,
        {.link = link("up0"), .address = Ipv4Address({10, 12, 0, 1}), .prefix_length = 24}));
    restart();
  }
  ~TestNode() {
    (void)netns_.netns().run([&] {
      (void)dataplane_->remove_all();
      dataplane_.reset();
    });
    (void)netlink::Netns::remove(gateway_name());
  }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  /// A new data plane, which knows nothing.
  void restart() {
    expect(netns_.netns().run([&]() -> Result<void> {
      dataplane_.reset();
      auto made = make_linux_dataplane({});
      if (!made) return tl::unexpected(made.error());
      dataplane_ = std::move(*made);
      return {};
    }));
  }
  void stop() {
    expect(netns_.netns().run([&] { dataplane_.reset(); }));
  }
  [[nodiscard]] ApplyReport reconcile(const overlay::Forwarding& wanted) {
    return expect(netns_.netns().run([&] { return dataplane_->reconcile(wanted); }));
  }
  [[nodiscard]] ApplyReport apply(const overlay::ForwardingDiff& change) {
    return expect(netns_.netns().run([&] { return dataplane_->apply(change); }));
  }
  /// As in a pod, where somebody else makes the gateway before the agent starts.
  void prepare_gateway() {
    ApplyReport report;
    expect(netns_.netns().run([&] { return Gateway::open_or_create(report); }));
  }
  [[nodiscard]] bool has_forwarding() {
    return expect(netns_.netns().run([&] { return dataplane_->has_forwarding(); }));
  }
  [[nodiscard]] Result<void> remove_all() {
    return netns_.netns().run([&] { return dataplane_->remove_all(); });
  }
  [[nodiscard]] Result<Counters> counters() {
    return netns_.netns().run([&] { return dataplane_->counters(); });
  }
  [[nodiscard]] bool damaged() {
    return expect(netns_.netns().run([&] { return dataplane_->damaged(); }));
  }
  /// Waits for an event that means damage.
  [[nodiscard]] bool notices_damage() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd entry{.fd = dataplane_->event_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, 10'000) <= 0) return false;
      if (damaged()) return true;
    }
    return false;
  }

  [[nodiscard]] Dataplane& dataplane() { return *dataplane_; }
  /// Somebody else's socket in the node's namespace.
  [[nodiscard]] netlink::Socket& socket() { return socket_; }
  [[nodiscard]] std::string gateway_name() const { return netns_.name() + "-gw"; }
  [[nodiscard]] netlink::Socket gateway_socket() const {
    return expect(
        expect(netlink::Netns::open(gateway_name())).run([] { return netlink::Socket::make(); }));
  }
  [[nodiscard]] netlink::IfIndex link(const std::string& name) {
    return expect(netlink::get_link(socket_, name)).index;
  }
  [[nodiscard]] std::vector<netlink::Route> own_routes() {
    return expect(netlink::list_routes(socket_, {.protocol = netlink::RouteProtocol::kSextant}));
  }
  /// Sextant's route to exactly this prefix in the main table.
  [[nodiscard]] bool has_own_route(const IpPrefix& to) {
    for (const auto& route : own_routes()) {
      if (route.destination == to && route.table == netlink::TableId::kMain) return true;
    }
    return false;
  }
  /// A route of somebody else through the uplink.
  [[nodiscard]] netlink::Route foreign_route(const IpPrefix& to) {
    return {.destination = to, .next_hops = {{.link = link("up0")}}};
  }

 private:
  netlink::testing::ScratchNetns netns_;
  netlink::Socket socket_;
  std::unique_ptr<Dataplane> dataplane_;
};

inline void expect_no_problems(const ApplyReport& report) {
  for (const auto& problem : report.problems) {
    ADD_FAILURE() << problem.object << ": " << problem.error.message();
  }
}

}  // namespace sextant::dataplane::testing
