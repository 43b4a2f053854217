#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <optional>
#include <string>
#include <vector>

#include "dataplane/linux/held_routes.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/message.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::dataplane {
namespace {

using netlink::NexthopId;
using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class HeldRoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("held");
    socket_.emplace(netns_->socket());
    expect(netlink::create_veth(*socket_, {.name = "outer", .up = true},
                                {.name = "peer", .up = true}));
    const auto outer = expect(netlink::get_link(*socket_, "outer")).index;
    for (const auto id : {kOld, kNew}) {
      netlink::Message message(RTM_NEWNEXTHOP, NLM_F_CREATE, nhmsg{.nh_family = AF_INET});
      message.u32(NHA_ID, netlink::number(id)).u32(NHA_OIF, netlink::number(outer));
      expect(socket_->request(message));
    }
    expect(netlink::add_route(*socket_, through(kOld)));
  }

  static netlink::Route through(NexthopId id) {
    return {.destination = IpPrefix::parse("10.0.1.0/24").value(), .metric = 7, .nexthop = id};
  }

  /// "10.0.1.0/24 by 1"
  std::vector<std::string> kernel() {
    std::vector<std::string> routes;
    for (const auto& route : expect(netlink::list_routes(*socket_, {.family = Family::kIpv4}))) {
      if (route.nexthop == NexthopId::kNone) continue;
      routes.push_back(route.destination.to_string() + " by " +
                       std::to_string(netlink::number(route.nexthop)));
    }
    return routes;
  }

  template <typename Write>
  ApplyReport write(const Write& what) {
    ApplyReport report;
    Writes writes(*socket_, report);
    what(writes);
    writes.flush();
    EXPECT_TRUE(report.ok()) << report.problems.front().error.message();
    return report;
  }

  static constexpr NexthopId kOld{0x01020304}, kNew{2};
  std::optional<ScratchNetns> netns_;
  std::optional<netlink::Socket> socket_;
  HeldRoutes held_;
};

TEST_F(HeldRoutesTest, TheOldObjectKeepsARouteUntilItIsReleased) {
  write([&](Writes& writes) {
    held_.hold(through(kOld), writes);
    held_.hold(through(kOld), writes);
    writes.add(netlink::route_message(through(kNew), netlink::RouteWrite::kReplace));
  });
  EXPECT_THAT(kernel(), UnorderedElementsAre("10.0.1.0/24 by 2", "241.2.3.4/32 by 16909060"));
  const auto report = write([&](Writes& writes) { held_.release(writes); });
  EXPECT_EQ(report.writes, 1U);
  EXPECT_THAT(kernel(), ElementsAre("10.0.1.0/24 by 2"));
}

TEST_F(HeldRoutesTest, AnObjectThatIsGoneIsNotHeld) {
  constexpr NexthopId kGone{99};
  write([&](Writes& writes) { held_.hold(through(kGone), writes); });
  EXPECT_THAT(kernel(), ElementsAre("10.0.1.0/24 by 16909060"));
  write([&](Writes& writes) { held_.release(writes); });
}

}  // namespace
}  // namespace sextant::dataplane
