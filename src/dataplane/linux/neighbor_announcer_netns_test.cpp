// What neighbors know of a node's link-layer address after it was announced.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "dataplane/linux/neighbor_announcer.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/await.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::dataplane {
namespace {

using netlink::MacAddress;
using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;

const auto kAddress = IpAddress::parse("fd10::1").value();
const auto kFormerMac = MacAddress::parse("02:00:00:00:00:99").value();

class NeighborAnnouncerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    node_.emplace("node");
    neighbor_.emplace("neighbor");
    socket_.emplace(node_->socket());
    for (const auto& each : {&node_, &neighbor_}) without_address_detection(each->value());
    expect(netlink::create_veth(*socket_, {.name = "eth0", .up = true},
                                {.name = "eth1", .netns = &neighbor_->netns(), .up = true}));
    await_carrier(*node_, "eth0");
    await_carrier(*neighbor_, "eth1");
    link_ = expect(netlink::get_link(*socket_, "eth0"));
    expect(netlink::add_address(*socket_,
                                {.link = link_.index, .address = kAddress, .prefix_length = 64}));
    expect(node_->netns().run([] { return netlink::await_address(kAddress); }));
    remember_former_card();
  }
  /// As with a node whose card was replaced: the neighbor sends there, and does not know better.
  void remember_former_card() {
    ip(*neighbor_, fmt::format("neigh replace {} lladdr {} nud stale dev eth1",
                               kAddress.to_string(), kFormerMac.to_string()));
  }
  /// Both ends hear and send at once.
  static void without_address_detection(const ScratchNetns& where) {
    const auto command =
        fmt::format("nsenter --net={} sysctl -qw net.ipv6.conf.default.accept_dad=0", where.path());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static void ip(const ScratchNetns& where, const std::string& words) {
    const auto command = fmt::format("ip -n {} {}", where.name(), words);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void announce(std::set<Uplink> uplinks) {
    expect(node_->netns().run([&]() -> Result<void> {
      announcer_.announce(*socket_, uplinks);
      return {};
    }));
  }
  [[nodiscard]] Uplink uplink() const {
    return {.index = netlink::number(link_.index), .name = "eth0"};
  }
  /// Where the neighbor sends.
  MacAddress known() {
    auto socket = neighbor_->socket();
    for (const auto& entry : expect(netlink::list_neighbors(socket)))
      if (entry.address == kAddress) return entry.mac;
    return {};
  }
  MacAddress known_soon() {
    (void)neighbor_->netns().run([&] {
      return netlink::await_state(
          "hear of", kAddress.to_string(), RTNLGRP_NEIGH, std::chrono::seconds(5),
          [&](netlink::Socket&) -> Result<bool> { return known() == link_.mac; });
    });
    return known();
  }
  /// Until packets pass.
  static void await_carrier(const ScratchNetns& where, const std::string& device) {
    expect(where.netns().run([&] {
      return netlink::await_state("wait for", device, RTNLGRP_LINK, std::chrono::seconds(5),
                                  [&](netlink::Socket& socket) -> Result<bool> {
                                    const auto link = netlink::get_link(socket, device);
                                    if (!link) return tl::unexpected(link.error());
                                    return link->is_running();
                                  });
    }));
  }

  std::optional<ScratchNetns> node_, neighbor_;
  std::optional<netlink::Socket> socket_;
  netlink::Link link_;
  NeighborAnnouncer announcer_;
};

TEST_F(NeighborAnnouncerTest, ANeighborThatRemembersTheFormerCardLearnsTheNewOne) {
  ASSERT_EQ(known(), kFormerMac);
  announce({uplink()});
  EXPECT_EQ(known_soon(), link_.mac);
}

TEST_F(NeighborAnnouncerTest, AnAddressIsAnnouncedOnceUntilItsDeviceGoes) {
  announce({uplink()});
  ASSERT_EQ(known_soon(), link_.mac);
  remember_former_card();
  announce({uplink()});
  EXPECT_EQ(known(), kFormerMac);
  announce({});
  announce({uplink()});
  EXPECT_EQ(known_soon(), link_.mac);
}

TEST_F(NeighborAnnouncerTest, ADeviceThatIsDownDoesNoHarm) {
  ip(*node_, "link set eth0 down");
  remember_former_card();
  announce({uplink()});
  EXPECT_EQ(known(), kFormerMac);
}

}  // namespace
}  // namespace sextant::dataplane
