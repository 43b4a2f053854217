// The host's filter follows the domain, element by element.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <optional>

#include "dataplane/linux/host_filter.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/testing.h"
#include "dataplane/linux/nftables.h"

namespace sextant::dataplane {
namespace {

using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;
using overlay::DomainRole;

constexpr DomainRole kSids{.sids = true}, kSource{.sources = true};

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

class HostFilterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("hostfilter");
    auto socket = netns_->socket();
    expect(netlink::create_veth(socket, {.name = std::string(kHostOuter)}, {.name = "outer"}));
    expect(netlink::create_veth(socket, {.name = "up0"}, {.name = "up0p"}));
    uplink_ = {.index = netlink::number(expect(netlink::get_link(socket, "up0")).index),
               .name = "up0"};
  }
  template <typename Function>
  auto inside(Function function) {
    return expect(netns_->netns().run(function));
  }
  bool write(HostFilter& filter) {
    return inside([&] { return filter.write_changes(); });
  }
  PrefixSet elements(const std::string& set) {
    return inside([&] { return nft_elements(set); });
  }

  std::optional<ScratchNetns> netns_;
  Uplink uplink_;
};

TEST_F(HostFilterTest, FollowsWhatComesAndGoes) {
  HostFilter filter({});
  filter.set_uplinks({uplink_});
  filter.set_local_sids(prefix("fcdd:0:0:a::/64"), {});
  filter.set_role(prefix("fcdd:0:0:a::/64"), kSids);
  filter.set_role(prefix("fcdd:0:0:c::/64"), kSids);
  EXPECT_TRUE(write(filter));
  EXPECT_FALSE(write(filter));
  filter.set_role(prefix("fcdd:0:0:b::/64"), kSids);  // the sibling of a
  filter.set_role(prefix("fcdd:0:0:c:5::/128"), kSids);
  filter.set_role(prefix("fd10::b/128"), kSource);
  EXPECT_TRUE(write(filter));
  EXPECT_EQ(elements("ip6 sextant sid_domain"),
            (PrefixSet{prefix("fcdd:0:0:a::/63"), prefix("fcdd:0:0:c::/64")}));
  EXPECT_EQ(elements("ip6 sextant nodes"), PrefixSet{prefix("fd10::b/128")});
  EXPECT_EQ(elements("netdev sextant nodes"), PrefixSet{prefix("fd10::b/128")});
  filter.set_role(prefix("fcdd:0:0:c::/64"), std::nullopt);
  filter.set_role(prefix("fcdd:0:0:b::/64"), std::nullopt);
  filter.set_role(prefix("fcdd:0:0:a::/64"), std::nullopt);  // the own one stays
  filter.set_role(prefix("fd10::b/128"), std::nullopt);
  EXPECT_TRUE(write(filter));
  EXPECT_EQ(elements("ip6 sextant sid_domain"),
            (PrefixSet{prefix("fcdd:0:0:a::/64"), prefix("fcdd:0:0:c:5::/128")}));
  EXPECT_TRUE(elements("ip6 sextant nodes").empty());
}

TEST_F(HostFilterTest, WritesAllWhereSomebodyHasBeenThere) {
  HostFilter filter({prefix("fd99::/32")});
  filter.set_role(prefix("fcdd:0:0:c::/64"), kSids);
  EXPECT_TRUE(write(filter));
  inside([] { return run_nft("flush ruleset"); });
  filter.set_role(prefix("fcdd:0:0:f::/64"), kSids);
  EXPECT_TRUE(write(filter));
  EXPECT_EQ(elements("ip6 sextant sid_domain"),
            (PrefixSet{prefix("fcdd:0:0:c::/64"), prefix("fcdd:0:0:f::/64")}));
  EXPECT_EQ(elements("ip6 sextant sid_sources"), PrefixSet{prefix("fd99::/32")});
}

TEST_F(HostFilterTest, CountersOutliveAChangeOfRules) {
  HostFilter filter({});
  EXPECT_TRUE(write(filter));
  inside([] {
    return run_nft(
        "delete chain ip sextant prerouting\nreset counters table ip sextant\n"
        "delete counter ip sextant pod_spoofed\n"
        "add counter ip sextant pod_spoofed { packets 7 bytes 700; }\n");
  });
  filter.set_uplinks({uplink_});
  EXPECT_TRUE(write(filter));
  const auto drops = inside([] { return read_drop_counters(); });
  EXPECT_EQ(drops.at("pod_spoofed"), (Count{.packets = 7, .bytes = 700}));
  EXPECT_EQ(drops.at("sid_source"), Count{});
}

// 5,000 nodes whose locators are no siblings, and one more: an element in each set, no rule.
TEST_F(HostFilterTest, OneNodeMoreAmongFiveThousandIsOneElement) {
  HostFilter filter({});
  filter.set_uplinks({uplink_});
  const auto add = [&](std::uint32_t i) {
    Ipv6Address::Bytes bytes{0xfc, 0xdd};
    bytes[4] = static_cast<std::uint8_t>(i >> 8);
    bytes[5] = static_cast<std::uint8_t>(i);
    bytes[7] = 1;
    filter.set_role(IpPrefix(Ipv6Address(bytes), 64), kSids);
    bytes[0] = 0xfd;
    filter.set_role(IpPrefix::host(Ipv6Address(bytes)), kSource);
  };
  const auto timed = [&](const char* what) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(write(filter));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << what << ": " << took.count() << " ms\n";
  };
  for (std::uint32_t i = 0; i < 5000; ++i) add(i);
  timed("5,000 nodes");
  inside([] { return run_nft("add chain ip6 sextant witness"); });
  add(5000);
  timed("one more");
  EXPECT_EQ(elements("ip6 sextant sid_domain").size(), 5001U);
  EXPECT_EQ(elements("ip6 sextant nodes").size(), 5001U);
  EXPECT_NE(inside([] { return run_nft("list table ip6 sextant"); }).find("witness"),
            std::string::npos)
      << "the table was replaced";
}

// Two addresses a node: with masquerading, one node more is an element a family, no rule.
TEST_F(HostFilterTest, OneNodeMoreIsOneElementOfWhatIsNotMasqueraded) {
  HostFilter filter({}, true);
  auto& masquerade = *filter.masquerade();
  masquerade.set_own_pods({prefix("172.16.0.0/26"), prefix("fd20::/122")});
  std::map<overlay::RouteKey, overlay::RouteTarget> routes;
  const auto key = [](std::string_view block, std::uint64_t i) {
    return overlay::RouteKey{overlay::RouteScope::kPods, IpPrefix::host(*prefix(block).at(2 * i))};
  };
  for (std::uint64_t i = 0; i < 5000; ++i) {
    routes[key("10.0.0.0/16", i)] = overlay::Unreachable{};
    routes[key("fd12::/64", i)] = overlay::Unreachable{};
  }
  masquerade.set_routes(routes);
  EXPECT_TRUE(write(filter));
  EXPECT_FALSE(write(filter));
  EXPECT_FALSE(inside([&] { return filter.sync(); })) << "what is there is what is wanted";
  inside([] { return run_nft("add chain ip sextant witness"); });
  masquerade.change_routes({{key("10.0.0.0/16", 5000), overlay::Unreachable{}},
                            {key("fd12::/64", 5000), overlay::Unreachable{}},
                            {key("fd12::/64", 0), std::nullopt}});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(write(filter));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::cout << "one node more among 5,000: " << took.count() << " ms\n";
  EXPECT_EQ(elements("ip sextant node_addresses").size(), 5001U);
  EXPECT_EQ(elements("ip6 sextant node_addresses").size(), 5000U);
  EXPECT_NE(inside([] { return run_nft("list table ip sextant"); }).find("witness"),
            std::string::npos)
      << "the table was replaced";
}

TEST_F(HostFilterTest, MasqueradingIsWrittenAndTakenAwayWithTheOption) {
  HostFilter with({}, true);
  with.masquerade()->set_own_pods({prefix("172.16.0.0/26"), prefix("fd20::/122")});
  EXPECT_TRUE(write(with));
  HostFilter again({}, true);
  again.masquerade()->set_own_pods({prefix("172.16.0.0/26"), prefix("fd20::/122")});
  EXPECT_FALSE(write(again)) << "a restarted agent finds it as it wants it";
  HostFilter without({});
  EXPECT_TRUE(write(without));
  EXPECT_EQ(inside([] { return run_nft("list ruleset"); }).find("masquerade"), std::string::npos);
}

}  // namespace
}  // namespace sextant::dataplane
