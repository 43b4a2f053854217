#include "bgp/wire/sr_policy_tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/attributes.h"
#include "bgp/wire/hex_test.h"
#include "bgp/wire/message.h"
#include "bgp/wire/next_hop.h"
#include "bgp/wire/nlri.h"
#include "bgp/wire/update.h"

namespace sextant::bgp {
namespace {

using srv6::Behavior;
using testing::IsEmpty;
using testing::SizeIs;

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }

Segment service(const char* sid, Behavior behavior) {
  return Segment::of(address(sid), SidBehavior{behavior, {0, 0, 0, 0}});
}

// A message of Debian's gobgpd 3.10, read as its receiver does.
struct Received {
  SrPolicyNlri nlri;
  NextHop next_hop;
  DecodedAttributes decoded;
  SrPolicyTunnel tunnel;
};

Received receive(const std::string& text) {
  const auto bytes = hex(text);
  const auto message = next_message(bytes);
  EXPECT_TRUE(message && *message);
  const auto view = split_update((*message)->body);
  EXPECT_EQ(view.judgement, Judgement{});
  EXPECT_TRUE(view.reach && view.reach->family == kSrPolicyIpv6);
  Received received;
  SrPolicyNlriCursor cursor(Afi::kIpv6, view.reach->nlri);
  EXPECT_TRUE(cursor.next(received.nlri));
  received.next_hop = *decode_next_hop(kSrPolicyIpv6, view.reach->next_hop);
  std::vector<std::uint8_t> block;
  view.shared.append_to(block);
  received.decoded =
      decode_attributes(block, {.dialect = SrPolicyDialect::kCalicoVpp}, {kSrPolicyIpv6, false});
  EXPECT_EQ(received.decoded.judgement.reasons(), "");
  const auto tunnel = decode_sr_policy(received.decoded.attributes.tunnel_encapsulation);
  EXPECT_TRUE(tunnel) << tunnel.error().message();
  received.tunnel = *tunnel;
  return received;
}

const std::string kHeader = repeat("ff", 16);
const std::string kInternal = "40 01 01 00 40 02 00 40 05 04 00000064";

// What Calico-VPP asks GoBGP to announce for master's End.DT4, as gobgpd 3.10 sends it.
const std::string kCalico =
    kHeader + "00a5 02 0000 008e" + kInternal +
    "80 0e 2e 0002 49 10 fd100000000000000000000000001000 00"
    "c0 00000000 00000004 fd100000000000000000000000001000"  // distinguisher 0, color 4, endpoint
    "c0 17 4c 000f 0048"
    "0d 12 80 00 cafe0000000000000000000000000003"  // binding SID, S flag
    "80 0025 00"
    "09 06 00 00 0000000c"                                                // weight 12
    "0d 1a 20 00 fcdd0000000000aa34b8247c36dadb44 0013 0000 00 00 00 00"  // S flag, End.DT4
    "0c 06 00 00 0000000b"                                                // preference 11
    "0f 02 0a 00";                                                        // priority 10

SrPolicyTunnel calico_tunnel() {
  SrPolicyTunnel tunnel;
  tunnel.preference = 11;
  tunnel.priority = 10;
  tunnel.binding_sid = BindingSid{0x80, std::nullopt, address("cafe::3")};
  auto segment = service("fcdd::aa:34b8:247c:36da:db44", Behavior::kEndDt4);
  segment.flags = 0x20;
  tunnel.lists = {WeightedSegmentList{12, {segment}, {}}};
  return tunnel;
}

TEST(SrPolicyTunnel, OfCalicoVppThroughGobgpIsRead) {
  const auto received = receive(kCalico);
  EXPECT_EQ(received.nlri, (SrPolicyNlri{0, {4}, address("fd10::1000")}));
  EXPECT_EQ(received.next_hop, NextHop{address("fd10::1000")});
  EXPECT_EQ(received.tunnel, calico_tunnel());
  EXPECT_EQ(received.tunnel.srv6_bsid(), address("cafe::3"));
  EXPECT_THAT(received.decoded.unusable, IsEmpty());
}

// Ours come in the order of type codes, which says the same.
TEST(SrPolicyTunnel, OfCalicoVppCanBeAnnounced) {
  const auto bytes = encode_sr_policy(calico_tunnel());
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes),
            to_hex(hex("000f 0048"
                       "0c 06 00 00 0000000b"
                       "0d 12 80 00 cafe0000000000000000000000000003"
                       "0f 02 0a 00"
                       "80 0025 00"
                       "09 06 00 00 0000000c"
                       "0d 1a 20 00 fcdd0000000000aa34b8247c36dadb44 0013 0000 00 00 00 00")));
}

// SRv6-PI's file of TESTBED's example: weight 0, priority 0, End.DT6 on every segment.
TEST(SrPolicyTunnel, OfSrv6PiThroughGobgpIsRead) {
  const auto received = receive(kHeader + "00dd 02 0000 00c6" + kInternal +
                                "80 0e 2e 0002 49 10 fd120000000000000000000000001000 00"
                                "c0 00000004 0000005e fd120000000000000000000000001000"
                                "c0 17 84 000f 0080"
                                "0d 12 80 00 cafe0000000000000000000000000025"
                                "80 005d 00"
                                "09 06 00 00 00000000"
                                "0d 1a 20 00 fcff0006000000000000000000000001 0012 0000 00000000"
                                "0d 1a 20 00 fcff0008000000000000000000000001 0012 0000 00000000"
                                "0d 1a 20 00 fcdd0000000012aad460b25000450b05 0012 0000 00000000"
                                "0c 06 00 00 0000000b"
                                "0f 02 00 00");
  EXPECT_EQ(received.nlri.to_string(), "4:94:fd12::1000");
  SrPolicyTunnel expected;
  expected.preference = 11;
  expected.priority = 0;
  expected.binding_sid = BindingSid{0x80, std::nullopt, address("cafe::25")};
  expected.lists = {{0, {}, {}}};
  for (const char* sid : {"fcff:6::1", "fcff:8::1", "fcdd::12aa:d460:b250:45:b05"}) {
    expected.lists[0].segments.push_back(service(sid, Behavior::kEndDt6));
    expected.lists[0].segments.back().flags = 0x20;
  }
  EXPECT_EQ(received.tunnel, expected);
  EXPECT_THAT(received.decoded.unusable, IsEmpty());
  EXPECT_EQ(received.tunnel.unusable(SrPolicyDialect::kStandard),
            "segment list 1: its weight is 0");
}

TEST(SrPolicyTunnel, OfSeveralListsThroughGobgpIsRead) {
  const auto received = receive(
      kHeader +
      "00f1 02 0000 00da 40 01 01 00 40 02 00 40 05 04 00000064 c0 08 04 ffffff02"
      "80 0e 2e 0002 49 10 fd120000000000000000000000001000 00"
      "c0 00000007 00000064 fd120000000000000000000000001000"
      "c0 17 91 000f 008d"
      "0c 06 00 00 000000c8"
      "80 0031 00 09 06 00 00 00000001"
      "0d 12 00 00 fcff0006000000000000000000000001 0d 12 00 00 fcff0008000000000000000000000001"
      "80 0041 00 09 06 00 00 00000003"
      "0d 1a 10 00 fcff0002000000000000000000000001 0001 0000 00000000"
      "0d 1a 10 00 fcff0007000000000000000000000001 0001 0000 00000000"
      "81 0005 00 676f6c64"
      "0e 03 00 00 04");
  SrPolicyTunnel expected;
  expected.preference = 200;
  expected.enlp = ExplicitNullPolicy::kNone;
  expected.candidate_path_name = "gold";
  expected.lists = {
      {1, {Segment::of(address("fcff:6::1")), Segment::of(address("fcff:8::1"))}, {}},
      {3, {service("fcff:2::1", Behavior::kEnd), service("fcff:7::1", Behavior::kEnd)}, {}}};
  EXPECT_EQ(received.tunnel, expected);
  EXPECT_TRUE(received.decoded.attributes.has(kNoAdvertise));
}

// GoBGP 3.10 turns a SRv6BindingSID of cafe::1:2345 with behavior and flags into sub-TLV 13 without
// them, and loses the last two bytes of the SID: nothing to mend at the receiver, but nothing to
// rely on either. Through GoBGP, an SRBindingSID arrives as it was meant.
TEST(SrPolicyTunnel, GobgpLosesPartsOfAnSrv6BindingSid) {
  const auto received =
      receive(kHeader + "0091 02 0000 007a" + kInternal +
              "80 0e 2e 0002 49 10 fd120000000000000000000000001000 00"
              "c0 00000008 00000065 fd120000000000000000000000001000"
              "c0 17 38 000f 0034"
              "0d 12 00 00 cafe0000000000000000000000010000"
              "80 001d 00 09 06 00 00 00000001 0d 12 00 00 fcff0006000000000000000000000001");
  EXPECT_EQ(received.tunnel.srv6_bsid(), address("cafe::1:0"));
  EXPECT_THAT(received.tunnel.srv6_binding_sids, IsEmpty());
}

TEST(SrPolicyTunnel, OfALabelIsKeptAndMarked) {
  const auto received = receive(kHeader + "008d 02 0000 0076" + kInternal +
                                "80 0e 2e 0002 49 10 fd120000000000000000000000001000 00"
                                "c0 00000009 00000066 fd120000000000000000000000001000"
                                "c0 17 34 000f 0030"
                                "0c 06 00 00 00000064"
                                "80 0025 00 09 06 00 00 00000001"
                                "01 06 00 00 03e88000"  // type A, label 16008
                                "0d 12 00 00 fcff0008000000000000000000000001");
  ASSERT_THAT(received.tunnel.lists, SizeIs(1));
  EXPECT_EQ(received.tunnel.lists[0].segments[0],
            (Segment{SegmentType::kA, 0, {}, {}, hex("0000 03e88000")}));
  EXPECT_EQ(received.decoded.unusable,
            "segment list 1: its segment 1 is of type A, not an SRv6 SID");
}

SrPolicyTunnel everything() {
  SrPolicyTunnel tunnel;
  tunnel.preference = 4294967295;
  tunnel.binding_sid = BindingSid{0xc0, 0x03e80000, std::nullopt};
  tunnel.enlp = ExplicitNullPolicy::kBoth;
  tunnel.priority = 255;
  tunnel.srv6_binding_sids = {
      Srv6BindingSid::of(address("cafe::1")),
      Srv6BindingSid::of(address("cafe::2"), SidBehavior{Behavior::kEndB6Encaps, {32, 16, 16, 0}})};
  tunnel.lists = {
      {std::nullopt, {}, {}},
      {7,
       {Segment::of(address("fcff:1::1")),
        Segment::of(address("fcff:2::1"), SidBehavior{Behavior::kEndDt46, {32, 16, 16, 0}}),
        {SegmentType::kC, 0x40, {}, {}, hex("40 01 0a000001")}},
       {{99, hex("0102")}, {200, {}}}}};
  tunnel.candidate_path_name = "path \xc3\xa9";
  tunnel.policy_name = "gold";
  tunnel.unknown = {{4, hex("030b 0000 0000005e")}, {222, hex("ff")}};
  return tunnel;
}

TEST(SrPolicyTunnel, GoesOutAndComesBack) {
  const auto bytes = encode_sr_policy(everything());
  ASSERT_TRUE(bytes);
  const auto decoded = decode_sr_policy(*bytes);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, everything());
}

// A candidate path's name at the very end crashes GoBGP 3.10.
TEST(SrPolicyTunnel, OfThousandsOfEmptyListsHasAShortReason) {
  SrPolicyTunnel tunnel;
  tunnel.lists.resize(5000);
  EXPECT_THAT(tunnel.unusable(),
              testing::StartsWith("segment list 1: it has no segments; segment"));
  EXPECT_THAT(tunnel.unusable(), testing::EndsWith("; and 4992 more lists"));
  EXPECT_LT(tunnel.unusable().size(), 500U);
  tunnel.lists.back().segments = {Segment::of(address("fcff:6::1"))};
  EXPECT_EQ(tunnel.unusable(), "") << "one is enough";
}

TEST(SrPolicyTunnel, NamesStandBeforeLists) {
  SrPolicyTunnel tunnel;
  tunnel.lists = {{1, {Segment::of(address("fcff:6::1"))}, {}}};
  tunnel.candidate_path_name = "a";
  EXPECT_EQ(encode_sr_policy(tunnel),
            hex("000f 0025 81 0002 00 61"
                "80 001d 00 09 06 00 00 00000001 0d 12 00 00 fcff0006000000000000000000000001"));
}

// RFC 9830 section 2.4.3: the SRv6 sub-TLV says more than the old one.
TEST(SrPolicyTunnel, Srv6BindingSidComesFirst) {
  auto tunnel = everything();
  tunnel.binding_sid = BindingSid{0, std::nullopt, address("cafe::9")};
  EXPECT_EQ(tunnel.srv6_bsid(), address("cafe::1"));
  tunnel.srv6_binding_sids.clear();
  EXPECT_EQ(tunnel.srv6_bsid(), address("cafe::9"));
  tunnel.binding_sid->sid.reset();
  EXPECT_EQ(tunnel.srv6_bsid(), std::nullopt);
}

// RFC 9830 section 2.4
TEST(SrPolicyTunnel, OfSubTlvsThatMayStandOnceTheFirstCounts) {
  const auto decoded = decode_sr_policy(
      hex("000f 004a"
          "0c 06 00 00 00000001 0c 06 00 00 00000002 0c 00"
          "0d 02 80 00 0d 02 40 00 0e 03 00 00 01 0e 03 00 00 02 0f 02 03 00 0f 02 04 00"
          "80 0011 00 09 06 00 00 00000005 09 06 00 00 00000006"
          "82 0002 00 61 82 0002 00 62"));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(decoded->preference, 1U);
  EXPECT_EQ(decoded->binding_sid->flags, 0x80);
  EXPECT_EQ(decoded->enlp, ExplicitNullPolicy::kIpv4);
  EXPECT_EQ(decoded->priority, 3);
  ASSERT_THAT(decoded->lists, SizeIs(1));
  EXPECT_EQ(decoded->lists[0].weight, 5U);
  EXPECT_EQ(decoded->policy_name, "a");
}

TEST(SrPolicyTunnel, WhatDoesNotFitItsLengthFieldIsRefused) {
  auto tunnel = everything();
  tunnel.lists[1].segments.assign(4000, Segment::of(address("fcff:1::1")));
  EXPECT_FALSE(encode_sr_policy(tunnel));
  tunnel = everything();
  tunnel.unknown = {{99, std::vector<std::uint8_t>(256)}};
  EXPECT_FALSE(encode_sr_policy(tunnel));
  tunnel = everything();
  tunnel.policy_name.assign(65535, 'x');
  EXPECT_FALSE(encode_sr_policy(tunnel));
  tunnel = everything();
  tunnel.lists.assign(30, {1, std::vector<Segment>(120, Segment::of(address("fcff:1::1"))), {}});
  EXPECT_FALSE(encode_sr_policy(tunnel));
}

}  // namespace
}  // namespace sextant::bgp
