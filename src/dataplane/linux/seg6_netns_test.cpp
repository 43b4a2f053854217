#include <gtest/gtest.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>

#include <optional>
#include <string>
#include <vector>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/testing.h"
#include "dataplane/linux/seg6.h"

namespace sextant::dataplane {
namespace {

using netlink::Attributes;
using netlink::Message;
using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;

Ipv6Address v6(std::string_view text) { return Ipv6Address::parse(text).value(); }

std::vector<srv6::Sid> sids(std::size_t count) {
  std::vector<srv6::Sid> list;
  for (std::size_t i = 1; i <= count; ++i) {
    list.push_back(srv6::Sid::parse("fcff:" + std::to_string(i) + "::1").value());
  }
  return list;
}

class Seg6 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("seg6");
    socket_.emplace(netns_->socket());
    expect(netlink::create_veth(*socket_, {.name = "a", .up = true}, {.name = "b", .up = true}));
    device_ = expect(netlink::get_link(*socket_, "a")).index;
  }

  /// Installs a route with the encapsulation and hands what the kernel then lists to `read`.
  template <typename Encap, typename Read>
  void through_the_kernel(const Encap& encap, std::uint16_t type, Read read) {
    const rtmsg header{.rtm_family = AF_INET6,
                       .rtm_dst_len = 128,
                       .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = netlink::number(netlink::RouteProtocol::kSextant),
                       .rtm_type = RTN_UNICAST};
    Message add(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header);
    add.address(RTA_DST, v6("fd00::1")).u32(RTA_OIF, netlink::number(device_));
    put_encap(add, RTA_ENCAP_TYPE, RTA_ENCAP, encap);
    expect(socket_->request(std::move(add)));
    Message dump(RTM_GETROUTE, 0,
                 rtmsg{.rtm_family = AF_INET6,
                       .rtm_protocol = netlink::number(netlink::RouteProtocol::kSextant)});
    int routes = 0;
    expect(socket_->dump(dump, [&](const nlmsghdr& message) {
      ++routes;
      const auto attributes = Attributes::of<rtmsg>(message);
      EXPECT_EQ(attributes.u16(RTA_ENCAP_TYPE), type);
      read(attributes.nest(RTA_ENCAP));
    }));
    EXPECT_EQ(routes, 1);
  }
  void expect_same(const Seg6Local& local) {
    through_the_kernel(local, LWTUNNEL_ENCAP_SEG6_LOCAL, [&](const Attributes& encap) {
      const auto parsed = parse_seg6_local(encap);
      ASSERT_TRUE(parsed) << "action " << local.action;
      EXPECT_EQ(parsed->action, local.action);
      EXPECT_EQ(*parsed, local) << "action " << local.action;
      const auto count = parse_seg6_count(encap);
      ASSERT_TRUE(count) << "no counters for action " << local.action;
      EXPECT_EQ(count->packets, 0U);
    });
  }

  std::optional<ScratchNetns> netns_;
  std::optional<netlink::Socket> socket_;
  netlink::IfIndex device_{};
};

TEST_F(Seg6, EncapsulationReadsBackAsItWasWritten) {
  for (const auto mode : {srv6::EncapMode::kEncaps, srv6::EncapMode::kEncapsReduced}) {
    for (const std::size_t count : {1U, 2U, 10U}) {
      const Seg6Encap encap{.mode = mode, .segments = sids(count)};
      through_the_kernel(encap, LWTUNNEL_ENCAP_SEG6, [&](const Attributes& read) {
        const auto parsed = parse_seg6_encap(read);
        ASSERT_TRUE(parsed) << count << " segments";
        EXPECT_EQ(*parsed, encap) << count << " segments";
      });
    }
  }
}

TEST_F(Seg6, LocalBehaviorsReadBackAsTheyWereWritten) {
  expect_same({.action = SEG6_LOCAL_ACTION_END});
  expect_same({.action = SEG6_LOCAL_ACTION_END_X, .next_hop6 = v6("fe80::2")});
  expect_same({.action = SEG6_LOCAL_ACTION_END_DX6, .next_hop6 = v6("fd00::2")});
  expect_same({.action = SEG6_LOCAL_ACTION_END_DT6, .table = netlink::TableId{22200}});
  expect_same({.action = SEG6_LOCAL_ACTION_END_DX4, .next_hop4 = Ipv4Address({169, 254, 83, 1})});
  expect_same({.action = SEG6_LOCAL_ACTION_END_B6_ENCAP, .segments = sids(1)});
  expect_same({.action = SEG6_LOCAL_ACTION_END_B6_ENCAP, .segments = sids(10)});
}

// Encapsulations as somebody else may write them are none of ours.
TEST_F(Seg6, OtherEncapsulationsAreNotTakenForOurs) {
  EXPECT_FALSE(parse_seg6_encap(Attributes{}));
  EXPECT_FALSE(parse_seg6_local(Attributes{}));
  EXPECT_FALSE(parse_seg6_count(Attributes{}));
  constexpr std::int32_t kInline = 0;
  for (const std::int32_t mode : {kInline, 2, 77}) {
    Message message(RTM_NEWROUTE, 0, rtmsg{});
    {
      const auto nest = message.nest(RTA_ENCAP);
      std::vector<std::uint8_t> payload(sizeof mode);
      std::memcpy(payload.data(), &mode, sizeof mode);
      const auto srh = srv6::encode(*srv6::make_srh(sids(2), srv6::EncapMode::kEncaps, 0)).value();
      payload.insert(payload.end(), srh.begin(), srh.end());
      message.bytes(1, payload);  // SEG6_IPTUNNEL_SRH
    }
    EXPECT_FALSE(parse_seg6_encap(Attributes::of<rtmsg>(message.header()).nest(RTA_ENCAP)))
        << "mode " << mode;
  }
}

TEST_F(Seg6, TheTunnelSourceIsWrittenOnce) {
  const auto set = [&](std::string_view source) {
    return expect(netns_->netns().run([&] { return set_tunnel_source(v6(source)); }));
  };
  EXPECT_TRUE(set("fd12::1000"));
  EXPECT_FALSE(set("fd12::1000"));
  EXPECT_TRUE(set("fd12::1001"));
  EXPECT_FALSE(set("fd12::1001"));
}

TEST_F(Seg6, TheTunnelSourceIsOfOneNamespace) {
  const ScratchNetns other("seg6b");
  const auto set = [](const ScratchNetns& netns) {
    return expect(netns.netns().run([] { return set_tunnel_source(v6("fd12::1000")); }));
  };
  EXPECT_TRUE(set(*netns_));
  EXPECT_TRUE(set(other));
}

}  // namespace
}  // namespace sextant::dataplane
