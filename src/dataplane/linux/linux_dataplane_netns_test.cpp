// What the conformance suite does not show of the Linux data plane: how it comes to own things,
// and loses them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/linux/linux_dataplane.h"
#include "dataplane/linux/node_testing.h"

namespace sextant::dataplane {
namespace {

using netlink::Netns;
using netlink::testing::missing_privilege;
using overlay::RouteScope;
using testing::add_route;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using testing::expect;
using testing::expect_no_problems;
using ::testing::IsEmpty;
using testing::lone_node;
using testing::path_of;
using testing::prefix;
using testing::sid;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::TestNode;
using testing::to_node;

class LinuxDataplaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    node_.emplace("dp");
  }
  /// A node with two others, whose prefixes are siblings.
  static overlay::Forwarding three_nodes() {
    auto node = lone_node();
    add_route(node, "10.1.0.0/24", 1);
    add_route(node, "10.1.1.0/24", 2);
    add_route(node, "fd20:0:0:1::/64", 1);
    add_route(node, "fd20:0:0:2::/64", 2);
    return node;
  }
  void expect_settled(const overlay::Forwarding& wanted) {
    const auto report = node_->reconcile(wanted);
    expect_no_problems(report);
    EXPECT_EQ(report.writes, 0U);
    EXPECT_FALSE(node_->damaged());
  }
  /// Prefixes of the gateway's main table that lead into a nexthop.
  std::size_t gateway_prefixes() {
    auto socket = node_->gateway_socket();
    const auto routes =
        expect(netlink::list_routes(socket, {.protocol = netlink::RouteProtocol::kSextant}));
    return static_cast<std::size_t>(std::ranges::count_if(
        routes, [](const auto& route) { return route.nexthop != netlink::NexthopId::kNone; }));
  }

  std::optional<TestNode> node_;
};

TEST_F(LinuxDataplaneTest, AChangeBeforeReconcileIsRefused) {
  EXPECT_FALSE(node_->damaged());
  overlay::ForwardingDiff change;
  change.paths[path_of(1, Family::kIpv4)] = to_node(1);
  EXPECT_FALSE(node_->dataplane().apply(change));
}

TEST_F(LinuxDataplaneTest, EachCapabilityIsNamedOnceWithAChoiceOfItsOwn) {
  for (int i = 0; i < 2; ++i) {
    expect_no_problems(node_->reconcile(three_nodes()));
    std::vector<std::string> names;
    for (const auto& each : node_->dataplane().capabilities()) {
      names.push_back(each.name);
      if (each.name == "underlay devices") {
        EXPECT_EQ(each.choice, "up0");
      }
      if (each.name == "fast path") {
        EXPECT_THAT(each.choice, AnyOf("none", StartsWith("BPF at ")));
      }
    }
    EXPECT_THAT(names, ElementsAre("netfilter", "decapsulation", "underlay devices", "fast path"));
    expect(node_->remove_all());
  }
}

TEST_F(LinuxDataplaneTest, WhatItMakesItselfIsNoDamage) {
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  EXPECT_FALSE(node_->damaged()) << "after the first reconcile";
  expect_settled(wanted);
  node_->restart();
  expect_settled(wanted);
}

TEST_F(LinuxDataplaneTest, AForeignRouteToAPodPrefixIsReportedAndKeptUntilItGoes) {
  for (const std::string text : {"10.1.0.0/24", "fd20:0:0:1::/64"}) {
    const auto contested = prefix(text);
    expect_no_problems(node_->reconcile(three_nodes()));
    (void)node_->damaged();
    // It comes.
    const auto foreign = node_->foreign_route(contested);
    expect(netlink::add_route(node_->socket(), foreign));
    EXPECT_TRUE(node_->notices_damage());
    const auto report = node_->reconcile(three_nodes());
    ASSERT_THAT(report.problems, SizeIs(1));
    EXPECT_EQ(report.problems.front().object, "route " + text);
    EXPECT_THAT(report.problems.front().error.cause, ::testing::HasSubstr("protocol static"));
    EXPECT_FALSE(report.problems.front().error.hint.empty());
    EXPECT_FALSE(node_->has_own_route(contested));
    const auto kept = expect(netlink::lookup_route(node_->socket(), *contested.at(7)));
    EXPECT_EQ(kept.next_hops.front().link, node_->link("up0"));
    // The sibling's addresses still take the overlay.
    const auto sibling = text.front() == '1' ? prefix("10.1.1.0/24") : prefix("fd20:0:0:2::/64");
    const auto other = expect(netlink::lookup_route(node_->socket(), *sibling.at(7)));
    EXPECT_EQ(other.next_hops.front().link, node_->link(std::string(kHostInner)));
    // A new agent sees it the same, and an edit of the path changes nothing about it.
    node_->restart();
    EXPECT_THAT(node_->reconcile(three_nodes()).problems, SizeIs(1));
    overlay::ForwardingDiff edit;
    edit.paths[path_of(1, contested.family())] = to_node(1, {sid("fcff:1::1")});
    EXPECT_THAT(node_->apply(edit).problems, SizeIs(1));
    (void)node_->damaged();
    // It goes.
    expect(netlink::delete_route(node_->socket(), foreign));
    EXPECT_TRUE(node_->notices_damage());
    expect_no_problems(node_->reconcile(three_nodes()));
    const auto taken = expect(netlink::lookup_route(node_->socket(), *contested.at(7)));
    EXPECT_EQ(taken.next_hops.front().link, node_->link(std::string(kHostInner)));
    expect_settled(three_nodes());
  }
}

TEST_F(LinuxDataplaneTest, AnEditFindsForeignRoutesOfEveryKindToItsNewPrefix) {
  struct Place {
    std::string prefix, longer, shorter;
  };
  for (const Place& place : {Place{"10.9.0.0/24", "10.9.0.0/32", "10.9.0.0/16"},
                             Place{"fd20:0:0:9::/64", "fd20:0:0:9::/128", "fd20::/32"}}) {
    auto exact = node_->foreign_route(prefix(place.prefix));
    auto weak = exact, closed = exact;
    weak.metric = 30'000;  // would lose against ours
    closed.type = netlink::RouteType::kUnreachable;
    closed.next_hops.clear();
    const auto longer = node_->foreign_route(prefix(place.longer)),
               shorter = node_->foreign_route(prefix(place.shorter));
    const std::vector<std::pair<std::vector<netlink::Route>, bool>> cases{
        {{}, false},    {{shorter}, false}, {{longer}, false},      {{exact}, true},
        {{weak}, true}, {{closed}, true},   {{longer, weak}, true}, {{shorter, exact}, true}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
      SCOPED_TRACE(place.prefix + " case " + std::to_string(i));
      const auto& [foreign, conflict] = cases[i];
      for (const auto& route : foreign) expect(netlink::add_route(node_->socket(), route));
      auto wanted = three_nodes();
      expect_no_problems(node_->reconcile(wanted));
      add_route(wanted, place.prefix, 1);
      const auto change = overlay::diff(three_nodes(), wanted);
      const auto report = node_->apply(change);
      EXPECT_THAT(report.problems, SizeIs(conflict ? 1 : 0));
      EXPECT_EQ(node_->has_own_route(prefix(place.prefix)), !conflict);
      EXPECT_THAT(node_->apply(change).problems, SizeIs(conflict ? 1 : 0)) << "the same again";
      for (const auto& route : foreign) expect(netlink::delete_route(node_->socket(), route));
      expect_no_problems(node_->reconcile(wanted));
      EXPECT_TRUE(node_->has_own_route(prefix(place.prefix)));
    }
  }
}

TEST_F(LinuxDataplaneTest, APrefixThatIsDroppedStaysSoWhenItsForeignRouteGoes) {
  const auto contested = prefix("10.9.0.0/24");
  auto wanted = three_nodes();
  add_route(wanted, "10.9.0.0/24", 1);
  const auto foreign = node_->foreign_route(contested);
  expect(netlink::add_route(node_->socket(), foreign));
  EXPECT_THAT(node_->reconcile(wanted).problems, SizeIs(1));
  overlay::ForwardingDiff drop;
  drop.routes[{RouteScope::kAll, contested}] = overlay::Drop{};
  (void)node_->apply(drop);
  expect(netlink::delete_route(node_->socket(), foreign));
  overlay::ForwardingDiff more;  // new prefixes make it look for foreign routes again
  more.routes[{RouteScope::kAll, prefix("10.7.0.0/24")}] = path_of(1, Family::kIpv4);
  expect_no_problems(node_->apply(more));
  for (const auto& route : node_->own_routes()) {
    if (route.destination == contested) {
      EXPECT_EQ(route.type, netlink::RouteType::kBlackhole);
    }
  }
}

TEST_F(LinuxDataplaneTest, LostEventsAreDamageThatReconcileRepairs) {
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  (void)node_->damaged();
  const auto flood = [&](int routes) {
    netlink::Batch batch;
    for (int i = 0; i < routes; ++i) {
      auto route = node_->foreign_route(IpPrefix::host(Ipv4Address(
          {198, 18, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250)})));
      route.table = netlink::TableId{500};
      batch.add(netlink::route_message(route, netlink::RouteWrite::kAdd));
      batch.add(netlink::route_delete_message(route));
    }
    EXPECT_THAT(expect(node_->socket().send(batch)), IsEmpty());
  };
  flood(100);
  EXPECT_FALSE(node_->damaged()) << "other people's routes are no damage";
  flood(30'000);  // more than the monitor's buffer holds
  // Among what was lost: one of ours went.
  const auto routes = node_->own_routes();
  const auto capture =
      std::ranges::find(routes, prefix("10.1.0.0/23"), &netlink::Route::destination);
  ASSERT_NE(capture, routes.end());
  expect(netlink::delete_route(node_->socket(), *capture));
  EXPECT_TRUE(node_->notices_damage());
  const auto report = node_->reconcile(wanted);
  expect_no_problems(report);
  EXPECT_EQ(report.writes, 1U);
  EXPECT_TRUE(node_->has_own_route(prefix("10.1.0.0/23")));
  (void)node_->damaged();  // what was heard before the repair
  expect_settled(wanted);
}

TEST_F(LinuxDataplaneTest, ATcProgramThatSomebodyRemovesIsDamageThatReconcileRepairs) {
  expect_no_problems(node_->reconcile(three_nodes()));
  const auto node = node_->gateway_name().substr(0, node_->gateway_name().size() - 3);
  const auto tc = [](const std::string& netns, const std::string& words) {
    return std::system(("ip netns exec " + netns + " tc " + words).c_str());
  };
  if (tc(node, "filter show dev up0 egress | grep -q sx_to_overlay") != 0)
    GTEST_SKIP() << "the kernel has no tc BPF";
  ASSERT_EQ(tc(node, "filter add dev up0 egress pref 9 bpf bytecode '1,6 0 0 0,' flowid 1:1"), 0);
  ASSERT_EQ(tc(node, "filter delete dev up0 egress pref 9"), 0);
  EXPECT_FALSE(node_->damaged()) << "somebody's own filter";
  const std::vector<std::pair<std::string, std::string>> removals{
      {node, "filter delete dev sextant0 egress"},
      {node, "filter delete dev up0 ingress"},
      {node, "filter delete dev up0 egress"},
      {node, "qdisc delete dev up0 clsact"},
      {node_->gateway_name(), "filter delete dev outer ingress"}};
  for (const auto& [netns, words] : removals) {
    ASSERT_EQ(tc(netns, words), 0) << words;
    EXPECT_TRUE(node_->notices_damage()) << words;
    const auto report = node_->reconcile(three_nodes());
    expect_no_problems(report);
    EXPECT_GT(report.writes, 0U) << words;
    expect_settled(three_nodes());
  }
}

TEST_F(LinuxDataplaneTest, AGatewayThatLosesItsNameIsNoticedAndGetsItBackUndisturbed) {
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  (void)node_->damaged();
  const auto inner = node_->link(std::string(kHostInner));
  expect(Netns::remove(node_->gateway_name()));
  EXPECT_TRUE(node_->notices_damage());
  EXPECT_THAT(node_->dataplane().damage(), ::testing::HasSubstr(node_->gateway_name()));
  const auto report = node_->reconcile(wanted);
  expect_no_problems(report);
  EXPECT_EQ(report.writes, 1U) << "only the name is made";
  EXPECT_EQ(node_->link(std::string(kHostInner)), inner);
  EXPECT_EQ(gateway_prefixes(), 4U);
  expect_settled(wanted);
  overlay::ForwardingDiff edit;
  edit.paths[path_of(1, Family::kIpv4)] = to_node(1, {sid("fcff:1::1")});
  EXPECT_EQ(node_->apply(edit).writes, 2U) << "the gateway of that name is the one that is edited";
}

TEST_F(LinuxDataplaneTest, ALocatorsRouteFollowsItsGatewayToAnotherDevice) {
  auto wanted = three_nodes();
  wanted.locator_routes[prefix("fcdd:0:0:bb::/64")] = testing::v6("fd12::2000");
  expect_no_problems(node_->reconcile(wanted));
  (void)node_->damaged();
  expect(netlink::create_veth(node_->socket(), {.name = "up1", .up = true},
                              {.name = "up1p", .up = true}));
  const netlink::InterfaceAddress address{
      .link = node_->link("up0"), .address = testing::v6("fd12::1000"), .prefix_length = 64};
  expect(netlink::delete_address(node_->socket(), address));
  auto moved = address;
  moved.link = node_->link("up1");
  expect(netlink::add_address(node_->socket(), moved));
  // The prefix of a device that has just come up is there a moment after its address.
  auto device = netlink::IfIndex::kNone;
  for (int i = 0; i < 10 && device != moved.link; ++i) {
    ASSERT_TRUE(node_->notices_damage());
    expect_no_problems(node_->reconcile(wanted));
    const auto route =
        expect(netlink::lookup_route(node_->socket(), *prefix("fcdd:0:0:bb::/64").at(7)));
    device = route.next_hops.front().link;
  }
  EXPECT_EQ(device, moved.link);
  (void)node_->damaged();
  expect_settled(wanted);
}

TEST_F(LinuxDataplaneTest, ADeletedRouteNamesWhoDeletedIt) {
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  (void)node_->damaged();
  const auto routes = node_->own_routes();
  const auto capture =
      std::ranges::find(routes, prefix("10.1.0.0/23"), &netlink::Route::destination);
  ASSERT_NE(capture, routes.end());
  expect(netlink::delete_route(node_->socket(), *capture));
  EXPECT_TRUE(node_->notices_damage());
  EXPECT_THAT(node_->dataplane().damage(),
              ::testing::AllOf(::testing::HasSubstr("route 10.1.0.0/23"),
                               ::testing::HasSubstr(std::to_string(::getpid()))));
}

// The agent asks for the descriptor once.
TEST_F(LinuxDataplaneTest, DamageIsHeardThroughOneDescriptorWhateverBecomesOfTheGateway) {
  const int events = node_->dataplane().event_fd();
  ASSERT_GE(events, 0);
  const auto wanted = three_nodes();
  for (int gateway = 0; gateway < 2; ++gateway) {
    expect_no_problems(node_->reconcile(wanted));
    expect(netlink::delete_link(node_->socket(), std::string(kHostInner)));
    EXPECT_TRUE(node_->notices_damage()) << "of gateway " << gateway;
    EXPECT_EQ(node_->dataplane().event_fd(), events);
    expect(Netns::remove(node_->gateway_name()));
  }
}

TEST_F(LinuxDataplaneTest, AGatewayThatWasLostWhileNobodyLookedIsMadeAnew) {
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  node_->stop();
  expect(Netns::remove(node_->gateway_name()));  // the kernel takes it down on its own time
  node_->restart();
  expect_no_problems(node_->reconcile(wanted));
  EXPECT_EQ(gateway_prefixes(), 4U);
  // The old links may have gone only now.
  (void)node_->damaged();
  expect_no_problems(node_->reconcile(wanted));
  expect_settled(wanted);
}

TEST_F(LinuxDataplaneTest, AGatewayThatIsOnlyPreparedIsNoForwardingOfAnEarlierAgent) {
  EXPECT_FALSE(node_->has_forwarding());
  node_->prepare_gateway();
  EXPECT_FALSE(node_->has_forwarding());
  expect_no_problems(node_->reconcile(three_nodes()));
  node_->restart();
  EXPECT_TRUE(node_->has_forwarding());
  expect(node_->remove_all());
  EXPECT_FALSE(node_->has_forwarding());
}

TEST_F(LinuxDataplaneTest, ANameThatARebootLeftBehindIsNoObstacle) {
  std::ofstream("/run/netns/" + node_->gateway_name()).close();
  const auto wanted = three_nodes();
  expect_no_problems(node_->reconcile(wanted));
  EXPECT_EQ(gateway_prefixes(), 4U);
}

TEST_F(LinuxDataplaneTest, ADeviceOfItsNameAndAnotherKindIsNotTouched) {
  expect(netlink::create_link(node_->socket(), std::string(kHostInner), "bridge"));
  const auto report = expect(netlink::Netns::open(
                                 node_->gateway_name().substr(0, node_->gateway_name().size() - 3)))
                          .run([&] { return node_->dataplane().reconcile(three_nodes()); });
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message(), ::testing::HasSubstr("sextant0"));
  EXPECT_FALSE(report.error().hint.empty());
  EXPECT_EQ(expect(netlink::get_link(node_->socket(), std::string(kHostInner))).kind, "bridge");
  expect(netlink::delete_link(node_->socket(), std::string(kHostInner)));
  expect_no_problems(node_->reconcile(three_nodes()));
}

// Every behavior it knows, and back.
TEST_F(LinuxDataplaneTest, SidsOfEveryKindAreAdoptedEditedAndRemoved) {
  const auto plain = three_nodes();
  expect_no_problems(node_->reconcile(plain));
  auto wanted = plain;
  const auto local = sid("fcdd:0:0:aa:14::"), adjacency = sid("fcdd:0:0:aa:5::"),
             binding = sid("cafe::1");
  const auto two_lists = [] {
    auto lists = to_node(1, {sid("fcff:1::1")}).lists;
    lists.push_back(to_node(1, {sid("fcff:2::1")}).lists.front());
    return lists;
  }();
  wanted.local_sids[local] = {.behavior = srv6::Behavior::kEndDt46};
  wanted.local_sids[adjacency] = {.behavior = srv6::Behavior::kEndX,
                                  .next_hop = testing::v6("fd12::2")};
  wanted.local_sids[binding] = {.behavior = srv6::Behavior::kEndB6Encaps, .lists = two_lists};
  expect_no_problems(node_->apply(overlay::diff(plain, wanted)));
  expect_settled(wanted);
  node_->restart();
  expect_settled(wanted);
  EXPECT_THAT(expect(node_->counters()).local_sids, ::testing::Contains(::testing::Key(local)));

  for (const std::size_t lists : {1U, 2U, 1U}) {
    SCOPED_TRACE("a binding SID of " + std::to_string(lists) + " lists");
    auto edited = wanted;
    edited.local_sids[binding].lists.assign(two_lists.begin(),
                                            two_lists.begin() + static_cast<int>(lists));
    expect_no_problems(node_->apply(overlay::diff(wanted, edited)));
    wanted = edited;
    expect_settled(wanted);
    node_->restart();
    expect_settled(wanted);
  }

  expect_no_problems(node_->apply(overlay::diff(wanted, plain)));
  expect_settled(plain);
  node_->restart();
  expect_settled(plain);
}

TEST_F(LinuxDataplaneTest, RemoveAllMayBeCalledAgainAndWithoutAnything) {
  expect(node_->remove_all());  // nothing was ever made
  auto wanted = three_nodes();
  wanted.local_sids[sid("fcdd:0:0:aa:5::")] = {.behavior = srv6::Behavior::kEndX,
                                               .next_hop = testing::v6("fd12::2")};
  expect_no_problems(node_->reconcile(wanted));
  for (int i = 0; i < 2; ++i) {
    expect(node_->remove_all());
    EXPECT_THAT(node_->own_routes(), IsEmpty());
    EXPECT_FALSE(Netns::open(node_->gateway_name()));
    EXPECT_FALSE(expect(netlink::find_link(node_->socket(), std::string(kHostInner))));
    EXPECT_FALSE(expect(netlink::find_link(node_->socket(), std::string(kHostOuter))));
    for (const auto& rule : expect(netlink::list_rules(node_->socket()))) {
      EXPECT_NE(rule.protocol, netlink::RouteProtocol::kSextant) << rule.to_string();
    }
    EXPECT_FALSE(node_->damaged());
  }
  expect_no_problems(node_->reconcile(three_nodes()));
  EXPECT_EQ(gateway_prefixes(), 4U);
}

}  // namespace
}  // namespace sextant::dataplane
