// SR Policy and unicast routes, as the two conventions mean them.
#include "sources/bgp/route_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::bgp_source {
namespace {

using bgp::Segment;
using bgp::SidBehavior;
using bgp::SrPolicyDialect;
using srv6::Behavior;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }
Ipv4Address identifier(std::string_view text) { return Ipv4Address::parse(text).value(); }

const Ipv4Address kSelf = identifier("10.0.0.1");
const RouteOrigin kStandard{SrPolicyDialect::kStandard, 64512, identifier("10.255.255.3"),
                            "fd10::1"};
const RouteOrigin kCalico{SrPolicyDialect::kCalicoVpp, 64512, identifier("10.255.255.3"),
                          "fd10::1"};

Segment segment(std::string_view text, Behavior behavior) {
  return {.sid = sid(text).address(), .behavior = SidBehavior{.behavior = behavior}};
}

bgp::Attributes carrying(const bgp::SrPolicyTunnel& tunnel) {
  return {.tunnel_encapsulation = bgp::encode_sr_policy(tunnel).value()};
}

bgp::SrPolicyNlri nlri(std::uint32_t distinguisher, std::uint32_t color,
                       std::string_view endpoint = "fd12::1000") {
  return {distinguisher, {color}, address(endpoint)};
}

/// The file of SRv6-PI in the paper's testbed: one behavior on every segment.
bgp::SrPolicyTunnel injected(std::uint32_t weight = 1) {
  return {.binding_sid = bgp::BindingSid{.sid = sid("cafe::25").address()},
          .priority = 0,
          .lists = {{.weight = weight,
                     .segments = {segment("fcff:6::1", Behavior::kEndDt6),
                                  segment("fcff:8::1", Behavior::kEndDt6),
                                  segment("fcdd:0:0:12aa:d460:b250:45:b05", Behavior::kEndDt6)}}}};
}

overlay::Policy policy_of(const PolicyReading& reading) {
  const auto* const unusable = std::get_if<Unusable>(&reading);
  EXPECT_EQ(unusable, nullptr) << unusable->reason;
  return std::get<overlay::Policy>(reading);
}

TEST(ReadSrPolicy, TakesAnInjectedPolicyForTheFamilyOfItsLastSegment) {
  const auto policy = policy_of(
      read_sr_policy(nlri(4, 94), address("fd12::1000"), carrying(injected(0)), kCalico, kSelf));
  EXPECT_EQ(policy.key.to_string(), "BGP/4:94:fd12::1000");
  EXPECT_EQ(policy.location, "BGP peer fd10::1");
  EXPECT_EQ(std::get<IpAddress>(policy.endpoint), address("fd12::1000"));
  EXPECT_EQ(policy.color.value, 94U);
  EXPECT_EQ(policy.binding_sid, sid("cafe::25"));
  EXPECT_FALSE(policy.ipv4);
  EXPECT_TRUE(policy.ipv6);
  ASSERT_EQ(policy.paths.size(), 1U);
  const auto& path = policy.paths.front();
  EXPECT_EQ(path.preference, 0U) << "Calico-VPP's priority";
  EXPECT_EQ(path.key.origin, srv6::kOriginBgp);
  EXPECT_EQ(path.key.discriminator, 4U);
  EXPECT_EQ(path.key.originator.asn, 64512U);
  EXPECT_EQ(path.key.originator.address, Ipv6Address::parse("::10.255.255.3").value());
  ASSERT_EQ(path.lists.size(), 1U);
  EXPECT_EQ(path.lists.front().last_behavior, Behavior::kEndDt6);
  EXPECT_EQ(path.lists.front().segments.size(), 3U);
  EXPECT_EQ(path.lists.front().weight, 1U) << "SRv6-PI's 0";
}

TEST(ReadSrPolicy, ReadsPreferenceNamesWeightsAndDropUponInvalid) {
  bgp::SrPolicyTunnel tunnel{
      .preference = 200,
      .priority = 7,
      .srv6_binding_sids = {{.flags = 0x40, .sid = sid("cafe::1").address()}},
      .lists = {{.weight = 3, .segments = {{.sid = sid("fcff:6::1").address()}}},
                {.segments = {{.sid = sid("fcff:7::1").address()}}}},
      .candidate_path_name = "left"};
  const auto policy =
      policy_of(read_sr_policy(nlri(1, 5), address("fd00::9"), carrying(tunnel), kStandard, kSelf));
  const auto& path = policy.paths.front();
  EXPECT_EQ(path.preference, 200U);
  EXPECT_EQ(path.name, "left");
  EXPECT_EQ(policy.fallback, overlay::Fallback::kDrop);
  EXPECT_EQ(policy.binding_sid, sid("cafe::1"));
  ASSERT_EQ(path.lists.size(), 2U);
  EXPECT_EQ(path.lists[0].weight, 3U);
  EXPECT_EQ(path.lists[1].weight, 1U);
  EXPECT_TRUE(policy.ipv4 && policy.ipv6) << "a list that is only transport takes both";
}

// An API that answers with bytes that are no JSON would say nothing of any policy.
TEST(ReadSrPolicy, ANameOfAnyBytesIsReadable) {
  auto tunnel = injected();
  const auto name = [&](std::string said) {
    tunnel.candidate_path_name = std::move(said);
    return policy_of(
               read_sr_policy(nlri(1, 5), address("fd00::9"), carrying(tunnel), kStandard, kSelf))
        .paths.front()
        .name;
  };
  EXPECT_EQ(name("gr\xc3\xbcn"), "gr\xc3\xbcn");
  EXPECT_EQ(name("a\xff\x1b[31m\n"), "a\xef\xbf\xbd [31m ");
  EXPECT_EQ(name(std::string(60000, 'x')), std::string(255, 'x'));
}

TEST(ReadSrPolicy, PrefersTheOriginatorThatAReflectorNames) {
  auto attributes = carrying(injected());
  attributes.originator_id = identifier("10.9.9.9");
  attributes.as_path.segments = {{.asns = {65001, 65002}}};
  const auto policy =
      policy_of(read_sr_policy(nlri(4, 94), address("fd12::1000"), attributes, kStandard, kSelf));
  EXPECT_EQ(policy.paths.front().key.originator.address, Ipv6Address::parse("::10.9.9.9").value());
  EXPECT_EQ(policy.paths.front().key.originator.asn, 65002U);
}

TEST(ReadSrPolicy, IsForTheHeadendsThatItsRouteTargetsName) {
  auto attributes = carrying(injected());
  attributes.extended_communities = {
      bgp::ExtendedCommunity::route_target(identifier("10.0.0.2"), 0)};
  const auto read = [&] {
    return read_sr_policy(nlri(4, 94), address("fd12::1000"), attributes, kStandard, kSelf);
  };
  EXPECT_EQ(std::get<Unusable>(read()).reason,
            "its route targets name other headends, not 10.0.0.1 (RFC 9830 section 4.2.1)");
  attributes.extended_communities.push_back(bgp::ExtendedCommunity::route_target(kSelf, 0));
  EXPECT_TRUE(std::holds_alternative<overlay::Policy>(read()));
}

TEST(ReadSrPolicy, TakesCalicosPolicyToTheNodeItselfAsTheNodesSid) {
  const bgp::SrPolicyTunnel tunnel{
      .preference = 11,
      .binding_sid = bgp::BindingSid{.sid = sid("cafe::7").address()},
      .priority = 10,
      .lists = {
          {.weight = 12, .segments = {segment("fcdd::12aa:d460:b250:45:b04", Behavior::kEndDt4)}}}};
  const auto read = [&](const bgp::SrPolicyNlri& key, const RouteOrigin& origin,
                        std::string_view next_hop = "fd12::1000") {
    return read_sr_policy(key, address(next_hop), carrying(tunnel), origin, kSelf);
  };
  const NodeSid expected{address("fd12::1000").v6(), sid("fcdd::12aa:d460:b250:45:b04"),
                         Behavior::kEndDt4};
  EXPECT_EQ(std::get<NodeSid>(read(nlri(0, 4), kCalico)), expected);
  auto old = kCalico;
  old.dialect = SrPolicyDialect::kOldCalicoVpp;
  EXPECT_EQ(std::get<NodeSid>(read(nlri(0, 0), old)), expected) << "color 0 in old releases";
  // Policies all the same: of a standard peer, of another color or distinguisher, for another node.
  EXPECT_TRUE(std::holds_alternative<overlay::Policy>(read(nlri(0, 4), kStandard)));
  EXPECT_TRUE(std::holds_alternative<overlay::Policy>(read(nlri(0, 94), kCalico)));
  EXPECT_TRUE(std::holds_alternative<overlay::Policy>(read(nlri(1, 4), kCalico)));
  EXPECT_TRUE(std::holds_alternative<overlay::Policy>(read(nlri(0, 4), kCalico, "fd11::1000")));
}

TEST(ReadSrPolicy, SaysWhyARouteIsOfNoUse) {
  const auto reason = [&](const bgp::SrPolicyTunnel& tunnel, const bgp::SrPolicyNlri& key) {
    auto origin = kCalico;
    origin.dialect = SrPolicyDialect::kOldCalicoVpp;
    return std::get<Unusable>(
               read_sr_policy(key, address("fd12::1000"), carrying(tunnel), origin, kSelf))
        .reason;
  };
  EXPECT_THAT(
      reason(
          {.lists = {{.segments = {{.type = bgp::SegmentType::kA, .value = {0, 0, 0, 0, 16, 0}}}}}},
          nlri(1, 5)),
      ::testing::HasSubstr("type A"));
  EXPECT_EQ(reason(injected(), nlri(1, 0)), "color 0 is not a color (RFC 9256 section 2.1)");
  EXPECT_NE(reason({}, nlri(1, 5)), "") << "without a list";
}

TEST(ReadUnicast, TakesColorAndTheFirstServiceSid) {
  bgp::Attributes attributes;
  attributes.extended_communities = {
      bgp::ExtendedCommunity::of(bgp::ColorCommunity{{94}, bgp::ColorOnly::kNullEndpoint})};
  const bgp::ServiceSid first{.sid = sid("fcdd:0:0:12aa:14::").address(),
                              .behavior = Behavior::kEndDt46,
                              .structure = srv6::SidStructure{48, 16, 16, 0}};
  attributes.prefix_sid = bgp::encode(bgp::PrefixSid{
      .l3_services = {
          first, {.sid = sid("fcdd:0:0:12aa:12::").address(), .behavior = Behavior::kEndDt6}}});
  const auto route = read_unicast(address("fd12::1000"), attributes, kStandard);
  EXPECT_EQ(route.next_hop, address("fd12::1000"));
  EXPECT_EQ(route.color, (bgp::ColorCommunity{{94}, bgp::ColorOnly::kNullEndpoint}));
  EXPECT_EQ(route.service, first);
  EXPECT_FALSE(route.calico_vpp);
  EXPECT_TRUE(read_unicast(address("fd12::1000"), {}, kCalico).calico_vpp);
}

}  // namespace
}  // namespace sextant::bgp_source
