#include "dataplane/linux/netlink/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/mac_address.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/route.h"

namespace sextant::netlink {
namespace {

using ::testing::ElementsAre;

TEST(Message, KeepsItsLengthRightAndPadsAttributes) {
  Message message(RTM_NEWROUTE, NLM_F_CREATE, rtmsg{});
  message.u8(1, 7).text(2, "ab");
  EXPECT_EQ(message.header().nlmsg_len, 16U + 12 + 8 + 8);
  EXPECT_EQ(message.wire().size(), message.header().nlmsg_len);
  EXPECT_EQ(message.header().nlmsg_flags, NLM_F_CREATE | NLM_F_REQUEST);
  const auto attributes = Attributes::of<rtmsg>(message.header());
  EXPECT_EQ(attributes.u8(1), 7);
  EXPECT_EQ(attributes.text(2), "ab");
  EXPECT_EQ(attributes.bytes(2)->size(), 3U) << "with its NUL";
}

TEST(Message, NestsCloseInAnyDepth) {
  Message message(RTM_NEWLINK, 0, ifinfomsg{});
  {
    auto outer = message.nest(1);
    message.u32(2, 20);
    {
      auto inner = message.nest(3);
      message.u32(4, 40);
    }
    message.u32(5, 50);
  }
  message.u32(6, 60);
  const auto attributes = Attributes::of<ifinfomsg>(message.header());
  EXPECT_EQ(attributes.nest(1).u32(2), 20U);
  EXPECT_EQ(attributes.nest(1).nest(3).u32(4), 40U);
  EXPECT_EQ(attributes.nest(1).u32(5), 50U);
  EXPECT_FALSE(attributes.nest(1).has(6));
  EXPECT_EQ(attributes.u32(6), 60U);
}

TEST(Message, WritesNetworkOrderWhereAsked) {
  Message message(RTM_NEWROUTE, 0);
  message.be16(1, 0x0102);
  message.be32(2, 0x01020304);
  const Attributes attributes(message.wire().subspan(NLMSG_HDRLEN));
  EXPECT_THAT(*attributes.bytes(1), ElementsAre(1, 2));
  EXPECT_THAT(*attributes.bytes(2), ElementsAre(1, 2, 3, 4));
}

TEST(Attributes, ReadsShortOrBrokenPayloadsAsMissing) {
  const std::array<std::uint8_t, 8> short_u32{6, 0, 1, 0, 9, 9, 0, 0};
  EXPECT_FALSE(Attributes(short_u32).u32(1));
  EXPECT_EQ(Attributes(short_u32).u16(1), 0x0909);
  EXPECT_FALSE(Attributes(short_u32).address(1));
  const std::array<std::uint8_t, 8> too_long{60, 0, 1, 0, 9, 9, 0, 0};
  EXPECT_FALSE(Attributes(too_long).has(1));
  const std::array<std::uint8_t, 4> zero_length{0, 0, 1, 0};
  EXPECT_FALSE(Attributes(zero_length).has(1));
  EXPECT_FALSE(Attributes().has(1));
}

TEST(Message, NamesItsOperationForErrors) {
  EXPECT_EQ(operation_name(RTM_NEWROUTE), "add route");
  EXPECT_EQ(operation_name(RTM_DELLINK), "delete link");
  EXPECT_EQ(operation_name(RTM_GETADDR), "read address");
  EXPECT_EQ(operation_name(RTM_SETLINK), "change link");
}

TEST(Route, SurvivesMessageAndBack) {
  const Route via_v6{.destination = IpPrefix::parse("10.1.0.0/16").value(),
                     .table = TableId(1000),
                     .protocol = RouteProtocol::kSextantCni,
                     .metric = 77,
                     .next_hops = {{.gateway = Ipv6Address::parse("fe80::1").value(),
                                    .link = IfIndex(3),
                                    .onlink = true}},
                     .mtu = 1400};
  const auto parsed = parse_route(route_message(via_v6, RouteWrite::kAdd).header());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->destination, via_v6.destination);
  EXPECT_EQ(parsed->table, via_v6.table);
  EXPECT_EQ(parsed->protocol, via_v6.protocol);
  EXPECT_EQ(parsed->metric, 77U);
  EXPECT_EQ(parsed->next_hops, via_v6.next_hops);
  EXPECT_EQ(parsed->mtu, 1400U);

  const Route multipath{
      .destination = IpPrefix::parse("fd00::/16").value(),
      .next_hops = {
          {.gateway = Ipv6Address::parse("fe80::1").value(), .link = IfIndex(3), .weight = 256},
          {.link = IfIndex(4), .weight = 2}}};
  EXPECT_EQ(parse_route(route_message(multipath, RouteWrite::kReplace).header())->next_hops,
            multipath.next_hops);
}

TEST(MacAddress, ParsesOnlyWellFormedText) {
  EXPECT_EQ(MacAddress::parse("02:00:5e:00:00:ff").value().to_string(), "02:00:5e:00:00:ff");
  for (const char* bad : {"", "02:00:5e:00:00", "02:00:5e:00:00:fg", "02-00-5e-00-00-ff",
                          "02:00:5e:00:00:ff:00", "2:0:5e:0:0:f0:0:0"}) {
    EXPECT_FALSE(MacAddress::parse(bad)) << bad;
  }
}

TEST(PodMtu, SubtractsTheDeepestEncapsulation) {
  EXPECT_EQ(encapsulation_bytes(0), 40U);
  EXPECT_EQ(encapsulation_bytes(1), 40U);
  EXPECT_EQ(encapsulation_bytes(2), 80U);
  EXPECT_EQ(encapsulation_bytes(6), 144U);
  EXPECT_EQ(pod_mtu(1500, 6), 1356U);
  EXPECT_EQ(pod_mtu(9000, 1), 8960U);
  EXPECT_EQ(pod_mtu(1380, 6), 1280U);
  EXPECT_EQ(pod_mtu(100, 100), 1280U);
}

}  // namespace
}  // namespace sextant::netlink
