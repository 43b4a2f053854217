// What the host's side learns while it runs.
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/linux/host_side.h"
#include "dataplane/linux/node_testing.h"

namespace sextant::dataplane {
namespace {

using testing::path_of;
using testing::prefix;

TEST(HostSideTest, APathMtuOutlivesAReconcileUntilItIsForgotten) {
  if (const auto why = netlink::testing::missing_privilege(); !why.empty()) GTEST_SKIP() << why;
  testing::TestNode node("hs");
  testing::expect_no_problems(node.reconcile(testing::lone_node()));  // makes sextant0
  HostSide host(node.socket());
  const auto pods = prefix("10.1.0.0/24");
  constexpr std::uint32_t kPodMtu = 1400, kPathMtu = 1300;
  const auto sync = [&](bool wanted) {
    host.clear();
    host.set_devices(node.link(std::string(kHostInner)), node.link(std::string(kHostOuter)),
                     kPodMtu);
    if (wanted) host.set_route({overlay::RouteScope::kAll, pods}, path_of(1, Family::kIpv4));
    ApplyReport report;
    testing::expect(host.sync(report));
    testing::expect_no_problems(report);
  };
  const auto mtu = [&]() -> std::uint32_t {
    const auto routes = node.own_routes();
    const auto found = std::ranges::find(routes, pods, &netlink::Route::destination);
    return found != routes.end() ? found->mtu.value_or(0) : 0;
  };
  ApplyReport report;
  sync(true);
  EXPECT_EQ(mtu(), kPodMtu);
  EXPECT_TRUE(host.learn_path_mtu(*pods.at(7), kPathMtu, report));
  EXPECT_EQ(mtu(), kPathMtu);
  sync(true);
  EXPECT_EQ(mtu(), kPathMtu) << "a reconcile forgot it";
  sync(false);
  EXPECT_EQ(mtu(), 0U) << "the prefix is not wanted any more";
  sync(true);
  host.forget_path_mtus(report);
  EXPECT_EQ(mtu(), kPodMtu);
  testing::expect_no_problems(report);
}

/// Under Calico's IPAM. Without any IPv4 address on the device the kernel drops what comes from
/// another node's own address.
TEST(HostSideTest, ANodeWithoutAnOverlayAddressHasTheDummyOneInItsPlace) {
  if (const auto why = netlink::testing::missing_privilege(); !why.empty()) GTEST_SKIP() << why;
  testing::TestNode node("hs");
  const auto ipv4_addresses = [&] {
    std::vector<std::string> texts;
    const netlink::AddressFilter of{.link = node.link(std::string(kHostInner))};
    for (const auto& each : testing::expect(netlink::list_addresses(node.socket(), of)))
      if (each.address.is_v4())
        texts.push_back(each.to_string() +
                        (each.scope == netlink::AddressScope::kLink ? " link" : ""));
    return texts;
  };
  auto wanted = testing::lone_node();
  testing::expect_no_problems(node.reconcile(wanted));
  EXPECT_EQ(ipv4_addresses(), std::vector<std::string>{"172.16.0.1/32"});
  wanted.overlay_ipv4.reset();
  testing::expect_no_problems(node.reconcile(wanted));
  EXPECT_EQ(ipv4_addresses(), std::vector<std::string>{"192.0.0.8/32 link"});
  EXPECT_EQ(node.reconcile(wanted).writes, 0U) << "a restart finds it as it is";
}

}  // namespace
}  // namespace sextant::dataplane
