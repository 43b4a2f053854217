// CHECK of the plugin's program: an undamaged attachment passes, each damage is found and named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "cni/plugin_testing.h"
#include "dataplane/linux/netlink/neighbor.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using netlink::LinkChange;
using ::testing::HasSubstr;

class CheckTest : public PluginTest {
 public:
  [[nodiscard]] Socket in_pod() const { return pod_->socket(); }
  [[nodiscard]] Socket on_node() const { return node_->socket(); }
  [[nodiscard]] netlink::IfIndex pod_end() const {
    Socket socket = in_pod();
    return expect(netlink::get_link(socket, "eth0")).index;
  }
  [[nodiscard]] netlink::IfIndex host_end() const {
    Socket socket = on_node();
    return expect(netlink::get_link(socket, host_name())).index;
  }
  [[nodiscard]] static std::string host_name() { return link_names({"c1", "eth0"}).host; }
  void change_pod_end(const LinkChange& change) const {
    Socket socket = in_pod();
    expect(netlink::change_link(socket, pod_end(), change));
  }
  void change_host_end(const LinkChange& change) const {
    Socket socket = on_node();
    expect(netlink::change_link(socket, host_end(), change));
  }
  void add_host_route(const netlink::Route& route) const {
    Socket socket = on_node();
    expect(netlink::add_route(socket, route));
  }
  void delete_route(const ScratchNetns& where, const char* destination) const {
    Socket socket = where.socket();
    expect(netlink::delete_route(socket, {.destination = IpPrefix::parse(destination).value(),
                                          .protocol = netlink::RouteProtocol::kUnspecified}));
  }
  void write_node_sysctl(const std::string& name, const std::string& value) const {
    expect(node_->netns().run(
        [&] { expect(Result<void>(netlink::write_sysctl(name, value).map([](bool) {}))); }));
  }
  [[nodiscard]] const ScratchNetns& pod() const { return *pod_; }
  [[nodiscard]] const ScratchNetns& node() const { return *node_; }
  void forget_leases() const { fs::remove_all(folder_ / "leases"); }

 protected:
  // What CHECK is given after ADD.
  [[nodiscard]] json::object attach(json::object input) const {
    const auto added = run("ADD", input);
    EXPECT_EQ(added.exit_status, 0) << added.output;
    input["prevResult"] = added.result();
    return input;
  }
};

struct Damage {
  const char* name;
  const char* message;
  std::function<void(const CheckTest&)> inflict;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class CheckDamage : public CheckTest, public ::testing::WithParamInterface<Damage> {};

TEST_P(CheckDamage, IsFoundAndNamed) {
  const auto input = attach(config());
  const auto good = run("CHECK", input);
  ASSERT_EQ(good.exit_status, 0) << good.output;
  GetParam().inflict(*this);
  const auto found = run("CHECK", input);
  EXPECT_EQ(found.exit_status, 1);
  EXPECT_EQ(found.result().at("code"), 102) << found.output;
  EXPECT_THAT(found.output, HasSubstr(GetParam().message));
}

const Damage kDamages[] = {
    {"PodAddressV4", "address 172.16.0.2 on eth0: missing",
     [](const CheckTest& test) {
       Socket socket = test.in_pod();
       expect(netlink::delete_address(socket, {test.pod_end(), ip("172.16.0.2"), 32}));
     }},
    {"PodAddressV6", "address fdfb:af47:32af::2 on eth0: missing",
     [](const CheckTest& test) {
       Socket socket = test.in_pod();
       expect(netlink::delete_address(socket, {test.pod_end(), ip("fdfb:af47:32af::2"), 128}));
     }},
    {"PodRouteV4", "route 0.0.0.0/0 via 169.254.1.1 dev eth0: missing",
     [](const CheckTest& test) { test.delete_route(test.pod(), "0.0.0.0/0"); }},
    {"PodRouteV6", "route ::/0 via fe80::1 dev eth0: missing",
     [](const CheckTest& test) { test.delete_route(test.pod(), "::/0"); }},
    {"PodNeighborV4", "permanent neighbor 169.254.1.1 on eth0",
     [](const CheckTest& test) {
       Socket socket = test.in_pod();
       expect(netlink::delete_neighbor(socket, test.pod_end(), ip("169.254.1.1")));
     }},
    {"PodNeighborV6HasAnotherMac", "permanent neighbor fe80::1 on eth0",
     [](const CheckTest& test) {
       Socket socket = test.in_pod();
       expect(netlink::set_permanent_neighbor(socket,
                                              {.link = test.pod_end(),
                                               .address = ip("fe80::1"),
                                               .mac = netlink::MacAddress({2, 0, 0, 0, 0, 9})}));
     }},
    {"PodMac", "device eth0: MAC address 02:00:00:00:00:09 instead of",
     [](const CheckTest& test) {
       test.change_pod_end({.mac = netlink::MacAddress({2, 0, 0, 0, 0, 9})});
     }},
    {"PodMtuTooBig", "device eth0: MTU 9000 instead of 8856",
     [](const CheckTest& test) { test.change_pod_end({.mtu = 9000}); }},
    {"HostMtuDiffers", ": MTU 1300 instead of 8856",
     [](const CheckTest& test) { test.change_host_end({.mtu = 1300}); }},
    {"PodEndDown", "device eth0: down",
     [](const CheckTest& test) { test.change_pod_end({.up = false}); }},
    {"HostEndDown", "device sxp",
     [](const CheckTest& test) { test.change_host_end({.up = false}); }},
    {"PodEndRenamed", "device eth0: missing",
     [](const CheckTest& test) {
       test.change_pod_end({.up = false});
       test.change_pod_end({.name = "eth7"});
     }},
    {"HostEndGone", "device eth0: missing",
     [](const CheckTest& test) {
       Socket socket = test.on_node();
       expect(netlink::delete_link(socket, test.host_name()));
     }},
    {"HostEndIsAnothersPeer", "not the other end of the pod's eth0",
     [](const CheckTest& test) {
       Socket socket = test.on_node();
       test.change_host_end({.up = false});
       test.change_host_end({.name = "taken"});
       expect(netlink::create_veth(socket,
                                   {.name = test.host_name(),
                                    .mac = link_names({"c1", "eth0"}).host_mac,
                                    .mtu = 8856,
                                    .up = true},
                                   {.name = "other", .up = true}));
       const auto taken = expect(netlink::get_link(socket, "taken"));
       expect(netlink::change_link(socket, taken.index, {.up = true}));
     }},
    {"HostRouteV4", "route 172.16.0.2/32 dev sxp",
     [](const CheckTest& test) { test.delete_route(test.node(), "172.16.0.2/32"); }},
    {"HostRouteV6", "route fdfb:af47:32af::2/128 dev sxp",
     [](const CheckTest& test) { test.delete_route(test.node(), "fdfb:af47:32af::2/128"); }},
    {"HostRouteOvertaken", "route to fdfb:af47:32af::2: does not lead to sxp",
     [](const CheckTest& test) {
       test.add_host_route({.destination = IpPrefix::parse("fdfb:af47:32af::2/128").value(),
                            .metric = 1,
                            .next_hops = {{.gateway = ip("fd10::99")}}});
     }},
    {"HostNeighborV4", "permanent neighbor 172.16.0.2 on sxp",
     [](const CheckTest& test) {
       Socket socket = test.on_node();
       expect(netlink::delete_neighbor(socket, test.host_end(), ip("172.16.0.2")));
     }},
    {"HostNeighborV6", "permanent neighbor fdfb:af47:32af::2 on sxp",
     [](const CheckTest& test) {
       Socket socket = test.on_node();
       expect(netlink::delete_neighbor(socket, test.host_end(), ip("fdfb:af47:32af::2")));
     }},
    {"ForwardingV4", "/forwarding: is 0; set it to 1",
     [](const CheckTest& test) {
       test.write_node_sysctl("net/ipv4/conf/" + test.host_name() + "/forwarding", "0");
     }},
    {"ForwardingV6", "sysctl net/ipv6/conf/all/forwarding: is 0; set it to 1",
     [](const CheckTest& test) { test.write_node_sysctl("net/ipv6/conf/all/forwarding", "0"); }},
};

INSTANTIATE_TEST_SUITE_P(Each, CheckDamage, ::testing::ValuesIn(kDamages),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(CheckTest, AnUndamagedAttachmentPassesInEachVersionThatHasCheck) {
  for (const char* version : {"0.4.0", "1.0.0", "1.1.0"}) {
    const auto input = attach(config(version));
    const auto good = run("CHECK", input);
    EXPECT_EQ(good.exit_status, 0) << good.output;
    EXPECT_EQ(good.output, "");
    ASSERT_EQ(run("DEL", input).exit_status, 0);
  }
}

TEST_F(CheckTest, TheMtuIsComparedWithWhatAddSaidFromVersion11On) {
  for (const auto& [version, exit_status] : {std::pair("1.0.0", 0), std::pair("1.1.0", 1)}) {
    const auto input = attach(config(version));
    change_pod_end({.mtu = 1300});
    change_host_end({.mtu = 1300});
    const auto checked = run("CHECK", input);
    EXPECT_EQ(checked.exit_status, exit_status)
        << version << ": 1.0.0 cannot tell it from an underlay that had less then";
    ASSERT_EQ(run("DEL", input).exit_status, 0);
  }
  auto input = config();
  input["mtu"] = 1400;
  input = attach(input);
  change_pod_end({.mtu = 1300});
  change_host_end({.mtu = 1300});
  EXPECT_THAT(run("CHECK", input).output, HasSubstr("MTU 1300 instead of 1400"));
}

TEST_F(CheckTest, AnUnderlayThatCarriesLessThanAtAddIsDamage) {
  const auto input = attach(config());
  expect(netlink::change_link(*host_, expect(netlink::get_link(*host_, "uplink")).index,
                              {.mtu = 1500}));
  EXPECT_THAT(run("CHECK", input).output, HasSubstr("MTU 8856 instead of 1356"));
}

TEST_F(CheckTest, ALeaseThatIsGoneIsTheIpamPluginsError) {
  const auto input = attach(config());
  forget_leases();
  EXPECT_EQ(run("CHECK", input).exit_status, 1);
}

TEST_F(CheckTest, APodThatIsGoneIsAnUnknownContainer) {
  const auto input = attach(config());
  const std::string path = pod_->path();
  pod_.reset();
  auto variables = std::map<std::string, std::string>{
      {"CNI_COMMAND", "CHECK"}, {"CNI_CONTAINERID", "c1"}, {"CNI_NETNS", path},
      {"CNI_IFNAME", "eth0"},   {"CNI_PATH", kPluginPath}, {"PATH", "/usr/bin:/bin"}};
  EXPECT_EQ(run(variables, json::serialize(input)).result().at("code"), 3);
}

TEST_F(CheckTest, NeedsAPreviousResultAndAVersionThatHasIt) {
  const auto without = run("CHECK", config());
  EXPECT_EQ(without.result().at("code"), 7);
  EXPECT_THAT(without.output, HasSubstr("prevResult: missing"));
  EXPECT_EQ(run("CHECK", config("0.3.1")).result().at("code"), 1);
}

}  // namespace
}  // namespace sextant::cni
