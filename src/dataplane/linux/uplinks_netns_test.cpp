// Which devices of a node are the underlay's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/testing.h"
#include "dataplane/linux/uplinks.h"

namespace sextant::dataplane {
namespace {

using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class UplinksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("uplinks");
    socket_.emplace(netns_->socket());
  }
  void add_veth(const std::string& name) {
    expect(netlink::create_veth(*socket_, {.name = name, .up = true},
                                {.name = name + "-far", .up = true}));
  }
  void add_address(const std::string& device, const std::string& address) {
    expect(netlink::add_address(*socket_, {.link = index(device),
                                           .address = IpAddress::parse(address).value(),
                                           .prefix_length = 64}));
  }
  void add_route(const std::string& to, const std::string& gateway, const std::string& device) {
    expect(netlink::add_route(*socket_, route(to, gateway, device)));
  }
  netlink::Route route(const std::string& to, const std::string& gateway,
                       const std::string& device) {
    return {
        .destination = IpPrefix::parse(to).value(),
        .next_hops = {
            {.gateway = IpAddress::parse(gateway).value(), .link = index(device), .onlink = true}}};
  }
  netlink::IfIndex index(const std::string& device) {
    return expect(netlink::get_link(*socket_, device)).index;
  }
  std::vector<std::string> names(Uplinks& uplinks) {
    expect(uplinks.refresh(*socket_));
    std::vector<std::string> names;
    for (const auto& device : uplinks.devices()) names.push_back(device.name);
    return names;
  }

  std::optional<ScratchNetns> netns_;
  std::optional<netlink::Socket> socket_;
};

TEST_F(UplinksTest, ADeviceWithAGlobalAddressIsOne) {
  add_veth("eth0");
  add_veth("cali0");
  add_veth("sxp0");
  Uplinks uplinks;
  EXPECT_THAT(names(uplinks), IsEmpty());
  add_address("eth0", "fd00::1");
  add_address("cali0", "fe80::9");
  add_address("sxp0", "fd00:1::1");
  EXPECT_THAT(names(uplinks), ElementsAre("eth0"));
  EXPECT_FALSE(expect(uplinks.refresh(*socket_))) << "nothing is new";
}

TEST_F(UplinksTest, ABridgeIsOneOnlyWithAGatewayBehindIt) {
  expect(netlink::create_link(*socket_, "br0", "bridge"));
  expect(netlink::set_link_up(*socket_, "br0"));
  expect(netlink::create_link(*socket_, "docker0", "bridge"));
  expect(netlink::set_link_up(*socket_, "docker0"));
  add_address("br0", "fd00::1");
  add_address("docker0", "fd77::1");
  Uplinks uplinks;
  EXPECT_THAT(names(uplinks), IsEmpty());
  EXPECT_TRUE(uplinks.is_candidate(index("br0")));
  add_route("fcdd::/16", "fd00::ff", "br0");
  EXPECT_THAT(names(uplinks), ElementsAre("br0"));
  EXPECT_FALSE(uplinks.is_candidate(index("br0")));
}

TEST_F(UplinksTest, AnUnnumberedDeviceIsOneByItsRouteAndStaysSoWithoutIt) {
  add_veth("eth0");
  add_veth("cali0");
  // A pod of another CNI: a route to it, and none through it.
  expect(netlink::add_route(*socket_, {.destination = IpPrefix::parse("fd10::5/128").value(),
                                       .next_hops = {{.link = index("cali0")}}}));
  Uplinks uplinks;
  EXPECT_THAT(names(uplinks), IsEmpty());
  add_route("::/0", "fe80::1", "eth0");
  EXPECT_THAT(names(uplinks), ElementsAre("eth0"));
  expect(netlink::delete_route(*socket_, route("::/0", "fe80::1", "eth0")));
  EXPECT_THAT(names(uplinks), ElementsAre("eth0")) << "a routing session that is down";
  expect(netlink::delete_link(*socket_, "eth0"));
  EXPECT_THAT(names(uplinks), IsEmpty());
}

TEST_F(UplinksTest, NamedOnesAreItAndNoOthers) {
  for (const auto* name : {"eth0", "bond0", "bond1", "wan"}) add_veth(name);
  add_address("wan", "fd00::1");
  Uplinks uplinks({"eth0", "bond*"});
  EXPECT_THAT(names(uplinks),
              UnorderedElementsAre("eth0", "bond0", "bond0-far", "bond1", "bond1-far"));
}

}  // namespace
}  // namespace sextant::dataplane
