// CHECK of the plugin's program: an undamaged attachment passes, each damage is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "cni/plugin_testing.h"
#include "dataplane/linux/netlink/neighbor.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::HasSubstr;

TEST_F(PluginTest, CheckFindsEachKindOfDamage) {
  auto input = config();
  const auto fresh = [&] {
    (void)run("DEL", config());
    fs::remove_all(folder_ / "leases");
    input.erase("prevResult");
    const auto added = run("ADD", input);
    EXPECT_EQ(added.exit_status, 0) << added.output;
    input["prevResult"] = added.result();
  };
  fresh();
  const auto good = run("CHECK", input);
  EXPECT_EQ(good.exit_status, 0) << good.output;
  EXPECT_EQ(good.output, "");

  const auto pod_link = [&] {
    Socket socket = pod_->socket();
    return expect(netlink::get_link(socket, "eth0"));
  };
  const auto host_link = [&] {
    return expect(netlink::get_link(*host_, link_names({"c1", "eth0"}).host));
  };
  const std::vector<std::pair<std::string, std::function<void()>>> damages{
      {"address 172.16.0.2 on eth0",
       [&] {
         Socket socket = pod_->socket();
         expect(netlink::delete_address(socket, {pod_link().index, ip("172.16.0.2"), 32}));
       }},
      {"route ::/0 via fe80::1 dev eth0",
       [&] {
         Socket socket = pod_->socket();
         expect(netlink::delete_route(socket, {.destination = IpPrefix::parse("::/0").value(),
                                               .protocol = netlink::RouteProtocol::kUnspecified}));
       }},
      {"permanent neighbor 169.254.1.1",
       [&] {
         Socket socket = pod_->socket();
         expect(netlink::delete_neighbor(socket, pod_link().index, ip("169.254.1.1")));
       }},
      {"route 172.16.0.2/32 dev sxp",
       [&] {
         expect(
             netlink::delete_route(*host_, {.destination = IpPrefix::parse("172.16.0.2/32").value(),
                                            .protocol = netlink::RouteProtocol::kSextantCni}));
       }},
      {"permanent neighbor fdfb:af47:32af::2",
       [&] {
         expect(netlink::delete_neighbor(*host_, host_link().index, ip("fdfb:af47:32af::2")));
       }},
      {"device sxp",
       [&] { expect(netlink::change_link(*host_, host_link().index, {.up = false})); }},
      {"device eth0",
       [&] {
         expect(netlink::delete_link(*host_, link_names({"c1", "eth0"}).host));
       }},
  };
  for (const auto& [message, damage] : damages) {
    fresh();
    damage();
    const auto found = run("CHECK", input);
    EXPECT_EQ(found.exit_status, 1) << message;
    EXPECT_EQ(found.result().at("code"), 102) << found.output;
    EXPECT_THAT(found.output, HasSubstr(message));
  }
  fresh();
  fs::remove_all(folder_ / "leases");
  EXPECT_EQ(run("CHECK", input).exit_status, 1) << "the lease is gone: host-local's own error";
}

TEST_F(PluginTest, CheckNeedsAPreviousResultAndAVersionThatHasIt) {
  const auto without = run("CHECK", config());
  EXPECT_EQ(without.result().at("code"), 7);
  EXPECT_THAT(without.output, HasSubstr("prevResult: missing"));
  EXPECT_EQ(run("CHECK", config("0.3.1")).result().at("code"), 1);
}

}  // namespace
}  // namespace sextant::cni
