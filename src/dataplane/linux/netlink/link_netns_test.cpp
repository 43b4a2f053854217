#include <gtest/gtest.h>
#include <linux/if_addr.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::netlink {
namespace {

using testing::expect;
using testing::ScratchNetns;

class LinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = testing::missing_privilege(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(LinkTest, VethIsMadeWithBothEndsInTheirNamespaces) {
  const ScratchNetns host("host"), pod("pod");
  Socket host_socket = host.socket(), pod_socket = pod.socket();
  const auto mac = expect(MacAddress::parse("02:11:22:33:44:55"));
  expect(create_veth(host_socket, {.name = "left", .mtu = 1400, .up = true},
                     {.name = "eth0", .netns = &pod.netns(), .mac = mac, .mtu = 1400, .up = true}));
  const auto left = expect(get_link(host_socket, "left"));
  const auto right = expect(get_link(pod_socket, "eth0"));
  EXPECT_EQ(left.kind, "veth");
  EXPECT_TRUE(left.peer_elsewhere);
  EXPECT_EQ(left.peer, right.index);
  EXPECT_EQ(right.mac, mac);
  EXPECT_EQ(left.mtu, 1400U);
  EXPECT_EQ(right.mtu, 1400U);
  expect(host.netns().run([] { return await_link_up("left", std::chrono::seconds(5)); }));
  expect(pod.netns().run([] { return await_link_up("eth0", std::chrono::seconds(5)); }));
  EXPECT_TRUE(expect(get_link(host_socket, left.index)).is_running());

  expect(delete_link(host_socket, "left"));
  EXPECT_FALSE(expect(find_link(pod_socket, "eth0"))) << "the peer goes with it";
}

TEST_F(LinkTest, ChangesNameMtuMacStateAndNamespace) {
  const ScratchNetns host("host"), pod("pod");
  Socket host_socket = host.socket(), pod_socket = pod.socket();
  expect(create_veth(host_socket, {.name = "a"}, {.name = "b"}));
  const auto link = expect(get_link(host_socket, "a"));
  EXPECT_FALSE(link.is_up());
  const auto mac = expect(MacAddress::parse("02:00:00:00:00:01"));
  expect(change_link(host_socket, link.index,
                     {.up = true, .mtu = 1300, .mac = mac, .name = "renamed"}));
  const auto changed = expect(get_link(host_socket, link.index));
  EXPECT_EQ(changed.name, "renamed");
  EXPECT_EQ(changed.mtu, 1300U);
  EXPECT_EQ(changed.mac, mac);
  EXPECT_TRUE(changed.is_up());
  EXPECT_FALSE(changed.is_running()) << "its peer is down";
  expect(change_link(host_socket, link.index, {.name = "moved", .netns = &pod.netns()}));
  EXPECT_TRUE(expect(find_link(pod_socket, "moved")));
  EXPECT_FALSE(expect(find_link(host_socket, "renamed")));
}

TEST_F(LinkTest, ErrorsCarryErrnoAndTheKernelsText) {
  const ScratchNetns host("host");
  Socket socket = host.socket();
  EXPECT_EQ(get_link(socket, "none").error().errno_value, ENODEV);
  EXPECT_EQ(delete_link(socket, IfIndex(999)).error().errno_value, ENODEV);
  expect(create_veth(socket, {.name = "a"}, {.name = "b"}));
  EXPECT_EQ(create_veth(socket, {.name = "a"}, {.name = "c"}).error().errno_value, EEXIST);
  EXPECT_FALSE(expect(find_link(socket, "c"))) << "nothing half made";
  const auto long_name = create_veth(socket, {.name = "a2345678901234567"}, {.name = "d"});
  ASSERT_FALSE(long_name);
  EXPECT_NE(long_name.error().message().find("17 characters"), std::string::npos);
  const auto link = expect(get_link(socket, "a"));
  const auto too_small = change_link(socket, link.index, {.mtu = 10});
  ASSERT_FALSE(too_small);
  EXPECT_NE(too_small.error().message().find("mtu less than device minimum"), std::string::npos)
      << too_small.error().message();
}

TEST_F(LinkTest, AwaitEndsInTimeWhenTheOtherEndStaysDown) {
  const ScratchNetns host("host");
  Socket socket = host.socket();
  expect(create_veth(socket, {.name = "a", .up = true}, {.name = "b"}));
  const auto waited =
      host.netns().run([] { return await_link_up("a", std::chrono::milliseconds(20)); });
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().errno_value, ETIMEDOUT);
}

TEST_F(LinkTest, AddressesAreUsableAtOnceAndListedByLink) {
  const ScratchNetns host("host");
  Socket socket = host.socket();
  expect(create_veth(socket, {.name = "a", .up = true}, {.name = "b", .up = true}));
  const auto a = expect(get_link(socket, "a")), b = expect(get_link(socket, "b"));
  const InterfaceAddress v4{a.index, IpAddress::parse("10.0.0.1").value(), 24};
  const InterfaceAddress v6{a.index, IpAddress::parse("fd00::1").value(), 64};
  for (const auto& address : {v4, v6}) {
    expect(add_address(socket, address));
    expect(add_address(socket, address));  // again: no error
    expect(host.netns().run([&] { return await_address(address.address); }));
  }
  EXPECT_EQ(host.netns()
                .run([] {
                  return await_address(IpAddress::parse("fd00::2").value(),
                                       std::chrono::milliseconds(20));
                })
                .error()
                .errno_value,
            ETIMEDOUT);
  const auto listed = expect(list_addresses(socket, {.family = Family::kIpv6, .link = a.index}));
  const auto found = std::find_if(listed.begin(), listed.end(), [&](const InterfaceAddress& each) {
    return each.address == v6.address;
  });
  ASSERT_NE(found, listed.end());
  EXPECT_EQ(found->to_string(), "fd00::1/64");
  EXPECT_EQ(found->flags & IFA_F_TENTATIVE, 0U);
  EXPECT_EQ(expect(list_addresses(socket, {.family = Family::kIpv4, .link = a.index})).size(), 1U);
  EXPECT_EQ(expect(list_addresses(socket, {.family = Family::kIpv4, .link = b.index})).size(), 0U);
  expect(delete_address(socket, v4));
  EXPECT_EQ(delete_address(socket, v4).error().errno_value, EADDRNOTAVAIL);
}

TEST_F(LinkTest, NeighborsArePermanent) {
  const ScratchNetns host("host");
  Socket socket = host.socket();
  expect(create_veth(socket, {.name = "a", .up = true}, {.name = "b", .up = true}));
  const auto a = expect(get_link(socket, "a"));
  const auto mac = expect(MacAddress::parse("02:00:00:00:00:09"));
  for (const char* address : {"169.254.1.1", "fe80::1"}) {
    const Neighbor neighbor{a.index, IpAddress::parse(address).value(), mac};
    expect(set_permanent_neighbor(socket, neighbor));
    expect(set_permanent_neighbor(socket, neighbor));
    const auto listed = expect(list_neighbors(socket, a.index));
    const auto found = std::find_if(listed.begin(), listed.end(), [&](const Neighbor& each) {
      return each.address == neighbor.address;
    });
    ASSERT_NE(found, listed.end()) << address;
    EXPECT_TRUE(found->is_permanent());
    EXPECT_EQ(found->mac, mac);
    expect(delete_neighbor(socket, a.index, neighbor.address));
    EXPECT_EQ(delete_neighbor(socket, a.index, neighbor.address).error().errno_value, ENOENT);
  }
}

TEST_F(LinkTest, UnderlayMtuIsTheSmallestOfTheUnderlaysDevices) {
  const ScratchNetns host("host");
  Socket socket = host.socket();
  EXPECT_FALSE(underlay_mtu(socket)) << "only lo";
  const auto add = [&](const std::string& name, std::uint32_t mtu, const char* address) {
    expect(create_veth(socket, {.name = name, .mtu = mtu, .up = true},
                       {.name = name + "p", .up = true}));
    if (address == nullptr) return;
    const auto link = expect(get_link(socket, name));
    expect(add_address(socket, {link.index, IpAddress::parse(address).value(), 64}));
  };
  add("up1", 9000, "fd01::1");
  EXPECT_EQ(expect(underlay_mtu(socket)), 9000U);
  add("up2", 1500, "fd02::1");
  add("sxp1", 1300, "fd03::1");
  add("sextant0", 1299, "fd04::1");
  add("plain", 1298, nullptr);
  EXPECT_EQ(expect(underlay_mtu(socket)), 1500U);
  expect(change_link(socket, expect(get_link(socket, "up2")).index, {.up = false}));
  EXPECT_EQ(expect(underlay_mtu(socket)), 9000U);
}

}  // namespace
}  // namespace sextant::netlink
