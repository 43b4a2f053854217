#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/nexthop.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/rule.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::netlink {
namespace {

using testing::expect;
using testing::ScratchNetns;

class RouteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = testing::missing_privilege(); !reason.empty()) GTEST_SKIP() << reason;
    netns_.emplace("route");
    socket_.emplace(netns_->socket());
    expect(create_veth(*socket_, {.name = "a", .up = true}, {.name = "b", .up = true}));
    a_ = expect(get_link(*socket_, "a")).index;
    expect(add_address(*socket_, {a_, IpAddress::parse("10.0.0.1").value(), 24}));
    expect(add_address(*socket_, {a_, IpAddress::parse("fd00::1").value(), 64}));
  }
  [[nodiscard]] std::vector<Route> ours() {
    return expect(list_routes(*socket_, {.protocol = RouteProtocol::kSextantCni}));
  }
  static Route route(const char* prefix) {
    return {.destination = IpPrefix::parse(prefix).value(), .protocol = RouteProtocol::kSextantCni};
  }
  static IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

  std::optional<ScratchNetns> netns_;
  std::optional<Socket> socket_;
  IfIndex a_ = IfIndex::kNone;
};

TEST_F(RouteTest, EveryKindOfRouteIsAddedReadBackAndDeleted) {
  std::vector<Route> routes;
  for (const char* prefix : {"10.1.0.0/16", "fd01::/48", "10.1.0.5/32", "0.0.0.0/0", "::/0"}) {
    Route direct = route(prefix);
    direct.table = TableId(1000);
    direct.metric = 50;
    direct.next_hops = {{.link = a_}};
    routes.push_back(direct);
    Route gateway = direct;
    gateway.metric = 60;
    gateway.mtu = 1350;
    gateway.next_hops[0].gateway =
        ip(gateway.destination.family() == Family::kIpv4 ? "169.254.1.1" : "fe80::99");
    gateway.next_hops[0].onlink = true;
    routes.push_back(gateway);
    Route nowhere = route(prefix);
    nowhere.table = TableId(70000);
    nowhere.metric = 70;
    nowhere.type = RouteType::kUnreachable;
    routes.push_back(nowhere);
  }
  Route crossed = route("10.2.0.0/16");
  crossed.next_hops = {{.gateway = ip("fe80::7"), .link = a_}};
  routes.push_back(crossed);
  Route spread = route("10.3.0.0/16");
  spread.next_hops = {{.gateway = ip("10.0.0.2"), .link = a_, .weight = 1},
                      {.gateway = ip("10.0.0.3"), .link = a_, .weight = 3}};
  routes.push_back(spread);

  for (const Route& each : routes) {
    expect(add_route(*socket_, each));
    EXPECT_EQ(add_route(*socket_, each).error().errno_value, EEXIST) << each.to_string();
    expect(replace_route(*socket_, each));
    const auto listed = expect(list_routes(*socket_, {.table = each.table}));
    const auto found = std::find_if(listed.begin(), listed.end(), [&](const Route& have) {
      return have.destination == each.destination && have.metric == each.metric;
    });
    ASSERT_NE(found, listed.end()) << each.to_string();
    EXPECT_EQ(found->type, each.type) << each.to_string();
    EXPECT_EQ(found->protocol, each.protocol);
    EXPECT_EQ(found->mtu, each.mtu);
    if (each.type == RouteType::kUnicast) {
      EXPECT_EQ(found->next_hops, each.next_hops);
    }
  }
  EXPECT_EQ(ours().size(), routes.size());
  for (const Route& each : routes) {
    expect(delete_route(*socket_, each));
    EXPECT_EQ(delete_route(*socket_, each).error().errno_value, ESRCH) << each.to_string();
  }
  EXPECT_TRUE(ours().empty());
  EXPECT_TRUE(expect(list_routes(*socket_, {.table = TableId(4242)})).empty());
}

TEST_F(RouteTest, DeleteLeavesAnotherProtocolsRoute) {
  Route foreign = route("10.9.0.0/16");
  foreign.protocol = RouteProtocol::kStatic;
  foreign.next_hops = {{.link = a_}};
  expect(add_route(*socket_, foreign));
  EXPECT_EQ(delete_route(*socket_, route("10.9.0.0/16")).error().errno_value, ESRCH);
  EXPECT_EQ(expect(list_routes(*socket_, {.protocol = RouteProtocol::kStatic})).size(), 1U);
}

TEST_F(RouteTest, LooksUpTheRouteOfAPacket) {
  const auto v4 = expect(lookup_route(*socket_, ip("10.0.0.77")));
  ASSERT_EQ(v4.next_hops.size(), 1U);
  EXPECT_EQ(v4.next_hops[0].link, a_);
  EXPECT_EQ(v4.table, TableId::kMain);
  EXPECT_EQ(expect(lookup_route(*socket_, ip("fd00::77"))).next_hops[0].link, a_);
  EXPECT_EQ(lookup_route(*socket_, ip("203.0.113.1")).error().errno_value, ENETUNREACH);
}

TEST_F(RouteTest, BatchReportsTheErrorOfEachMessageByIndex) {
  Batch batch;
  for (int i = 0; i < 2000; ++i) {
    Route each = route("10.1.0.0/32");
    // Every 500th has a gateway that nothing reaches.
    each.destination =
        IpPrefix::host(*IpPrefix::parse("10.64.0.0/10")->at(static_cast<std::uint64_t>(i)));
    each.next_hops = {{.link = a_}};
    if (i % 500 == 7) each.next_hops = {{.gateway = ip("203.0.113.1")}};
    EXPECT_EQ(batch.add(route_message(each, RouteWrite::kAdd)), static_cast<std::size_t>(i));
  }
  const auto failures = expect(socket_->send(batch));
  std::vector<std::size_t> indexes;
  for (const auto& failure : failures) {
    indexes.push_back(failure.index);
    EXPECT_EQ(failure.error.errno_value, ENETUNREACH);
    EXPECT_EQ(failure.error.operation, "add route");
    EXPECT_NE(failure.error.cause.find("invalid gateway"), std::string::npos)
        << failure.error.cause;
  }
  EXPECT_THAT(indexes, ::testing::ElementsAre(7, 507, 1007, 1507));
  EXPECT_EQ(ours().size(), 1996U);
  const auto again = expect(socket_->send(batch));
  EXPECT_EQ(again.size(), 2000U) << "all fail, none of the reports is lost";
  EXPECT_TRUE(expect(socket_->send(Batch{})).empty());
}

TEST_F(RouteTest, BatchOfManyRoutesByNexthopIsFast) {
  constexpr std::uint64_t kRoutes = 100'000;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto id = NexthopId(family == Family::kIpv4 ? 4 : 6);
    Message nexthop(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL,
                    nhmsg{.nh_family = address_family(family)});
    nexthop.u32(NHA_ID, number(id)).u32(NHA_OIF, number(a_));
    expect(socket_->request(nexthop));
    const IpPrefix pool =
        IpPrefix::parse(family == Family::kIpv4 ? "10.128.0.0/9" : "fd77::/64").value();
    const auto start = std::chrono::steady_clock::now();
    Batch batch;
    for (std::uint64_t i = 0; i < kRoutes; ++i) {
      batch.add(route_message({.destination = IpPrefix::host(*pool.at(i)),
                               .protocol = RouteProtocol::kSextantCni,
                               .nexthop = id},
                              RouteWrite::kAdd));
    }
    EXPECT_TRUE(expect(socket_->send(batch)).empty());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%s: %lu routes in %.2f s\n", std::string(to_string(family)).c_str(), kRoutes,
                took.count());
    EXPECT_LT(took.count(), 20) << "a generous limit for a busy machine";
    const auto listed =
        expect(list_routes(*socket_, {.family = family, .protocol = RouteProtocol::kSextantCni}));
    EXPECT_EQ(listed.size(), kRoutes);
    EXPECT_EQ(listed.front().nexthop, id);
    EXPECT_TRUE(listed.front().next_hops.empty());
  }
}

TEST_F(RouteTest, MonitorHearsChangesAndReportsLostOnes) {
  auto events = expect(netns_->netns().run(
      [] { return Socket::make({.groups = {RTNLGRP_IPV4_ROUTE}, .receive_buffer = 4096}); }));
  Route one = route("10.1.0.0/16");
  one.next_hops = {{.link = a_}};
  expect(add_route(*socket_, one));
  std::vector<std::string> heard;
  const auto hear = [&](const nlmsghdr& message) {
    if (auto each = parse_route(message)) heard.push_back(each->to_string());
  };
  expect(events.receive(hear));
  EXPECT_THAT(heard, ::testing::ElementsAre("10.1.0.0/16"));
  for (int i = 0; i < 200; ++i) {
    expect(delete_route(*socket_, one));
    expect(add_route(*socket_, one));
  }
  // The kernel tells once, before or after what still was in the buffer.
  auto received = events.receive(hear);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().errno_value, ENOBUFS);
  expect(events.receive(hear));
  heard.clear();
  expect(delete_route(*socket_, one));
  expect(events.receive(hear));
  EXPECT_EQ(heard.size(), 1U) << "the socket goes on working";
}

TEST_F(RouteTest, RulesAreAddedListedAndDeleted) {
  const std::vector<RoutingRule> rules{
      {.family = Family::kIpv4,
       .priority = 100,
       .from = IpPrefix::parse("10.0.0.0/8").value(),
       .to = IpPrefix::parse("192.0.2.0/24").value(),
       .input_link = "a",
       .mark = 0x10,
       .mark_mask = 0xf0,
       .table = TableId(1000),
       .protocol = RouteProtocol::kSextantCni},
      {.family = Family::kIpv6,
       .priority = 101,
       .to = IpPrefix::parse("fd00::/8").value(),
       .input_link = "later",
       .table = TableId(1001)},
  };
  for (const RoutingRule& rule : rules) {
    expect(add_rule(*socket_, rule));
    EXPECT_EQ(add_rule(*socket_, rule).error().errno_value, EEXIST);
    EXPECT_THAT(expect(list_rules(*socket_, rule.family)), ::testing::Contains(rule));
    expect(delete_rule(*socket_, rule));
    EXPECT_EQ(delete_rule(*socket_, rule).error().errno_value, ENOENT);
    EXPECT_THAT(expect(list_rules(*socket_)), ::testing::Not(::testing::Contains(rule)));
  }
}

}  // namespace
}  // namespace sextant::netlink
