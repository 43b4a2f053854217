// What goes to GoBGP as a message of its own, and what as bytes.
#include "injector/gobgp/tunnel_messages.h"

#include <gtest/gtest.h>

#include "attribute.pb.h"

namespace sextant::injector {
namespace {

using bgp::SrPolicyTunnel;
using Names = std::vector<std::string>;

Ipv6Address sid(std::string_view text) { return Ipv6Address::parse(text).value(); }

apipb::TunnelEncapTLV written(const SrPolicyTunnel& tunnel) {
  apipb::TunnelEncapAttribute attribute;
  const auto done = write_tunnel(tunnel, attribute);
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(attribute.tlvs_size(), 1);
  EXPECT_EQ(attribute.tlvs(0).type(), 15U);
  return attribute.tlvs(0);
}

/// The kinds of messages in order; of bytes the sub-TLV's type.
Names kinds(const apipb::TunnelEncapTLV& tunnel) {
  Names names;
  for (const auto& each : tunnel.tlvs()) {
    apipb::TunnelEncapSubTLVUnknown unknown;
    if (each.UnpackTo(&unknown)) {
      names.push_back("bytes of " + std::to_string(unknown.type()));
    } else {
      const auto& url = each.type_url();
      names.push_back(url.substr(url.rfind("SubTLV") + 6));
    }
  }
  return names;
}

bgp::WeightedSegmentList list_of(std::vector<bgp::Segment> segments) {
  return {.weight = 1, .segments = std::move(segments)};
}

TEST(TunnelMessages, WhatGobgpKnowsIsAMessage) {
  const SrPolicyTunnel tunnel{
      .preference = 200,
      .binding_sid = bgp::BindingSid{.flags = 0x40, .sid = sid("cafe::25")},
      .enlp = bgp::ExplicitNullPolicy::kNone,
      .priority = 7,
      .lists = {list_of({bgp::Segment::of(sid("fcff:6::1"))})},
      .candidate_path_name = "path",
  };
  EXPECT_EQ(kinds(written(tunnel)), (Names{"SRCandidatePathName", "SRPreference", "SRPriority",
                                           "SRENLP", "SRBindingSID", "SRSegmentList"}))
      << "the name first: GoBGP reads beyond it";
}

TEST(TunnelMessages, WhatGobgpDoesNotKnowOrCutsIsBytes) {
  const SrPolicyTunnel tunnel{
      .binding_sid = bgp::BindingSid{.label = 16U << 12},
      .srv6_binding_sids = {bgp::Srv6BindingSid::of(sid("cafe::25"))},
      .lists = {list_of({bgp::Segment{.type = bgp::SegmentType::kI, .value = {0, 0}}}),
                list_of({bgp::Segment::of(sid("fcff:6::1"))}),
                {.weight = 1,
                 .segments = {bgp::Segment::of(sid("fcff:6::1"))},
                 .unknown = {{200, {1}}}},
                {.segments = {bgp::Segment::of(sid("fcff:6::1"))}}},
      .policy_name = "gold",
      .unknown = {{77, {1, 2}}},
  };
  EXPECT_EQ(kinds(written(tunnel)),
            (Names{"bytes of 13", "bytes of 20", "bytes of 130", "bytes of 77", "bytes of 128",
                   "SRSegmentList", "bytes of 128", "bytes of 128"}))
      << "lists stay in their order";
}

TEST(TunnelMessages, SegmentsKeepBehaviorStructureAndFlags) {
  auto segment =
      bgp::Segment::of(sid("fcdd::12aa:d460:b250:45:b05"),
                       bgp::SidBehavior{static_cast<srv6::Behavior>(0x8001),
                                        {.block = 32, .node = 16, .function = 16, .argument = 8}});
  segment.flags |= bgp::kSegmentFlagVerify;
  const auto tunnel = written({.lists = {list_of({segment})}});
  apipb::TunnelEncapSubTLVSRSegmentList list;
  apipb::SegmentTypeB message;
  ASSERT_TRUE(tunnel.tlvs(0).UnpackTo(&list));
  ASSERT_TRUE(list.segments(0).UnpackTo(&message));
  const auto& behavior = message.endpoint_behavior_structure();
  EXPECT_EQ(static_cast<int>(behavior.behavior()), 0x8001)
      << "also code points that it has no name for";
  EXPECT_EQ(behavior.block_len(), 32U);
  EXPECT_EQ(behavior.node_len(), 16U);
  EXPECT_EQ(behavior.func_len(), 16U);
  EXPECT_EQ(behavior.arg_len(), 8U);
  EXPECT_TRUE(message.flags().v_flag());
  EXPECT_TRUE(message.flags().b_flag());
  EXPECT_FALSE(message.flags().a_flag());
  EXPECT_FALSE(message.flags().s_flag());

  segment.flags |= 0x01;  // GoBGP has no field for it
  EXPECT_EQ(kinds(written({.lists = {list_of({segment})}})), Names{"bytes of 128"});
}

TEST(TunnelMessages, WhatIsTooLongIsAnErrorAndNotCut) {
  bgp::WeightedSegmentList list;
  for (int i = 0; i < 4000; ++i) list.segments.push_back(bgp::Segment::of(sid("fcff:6::1")));
  apipb::TunnelEncapAttribute attribute;
  EXPECT_FALSE(write_tunnel({.lists = {list}}, attribute));
}

}  // namespace
}  // namespace sextant::injector
