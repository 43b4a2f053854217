#include "doctor/agent_facts.h"

#include <gtest/gtest.h>

namespace sextant::doctor {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

TEST(AgentFacts, AreReadFromTheApi) {
  const auto facts = parse_agent(
      R"({"healthy": true, "reasons": [], "node": "master", "maxSegments": 4,
          "encapsulationSource": "fd10::1000", "locator": "fcdd:0:0:aa::/64",
          "overlayAddresses": ["172.16.0.1", "fd20::1"],
          "podPrefixes": ["172.16.0.0/26", "fd20::/122"],
          "dataplane": {"name": "linux", "capabilities": [
            {"name": "fast path", "choice": "none", "reason": "no tc"}]},
          "problems": [{"object": "x"}],
          "applyProblems": [{"object": "route 10.0.0.0/8", "cause": "taken", "hint": "remove it"}]})",
      R"({"items": [
          {"name": "master", "self": true, "role": "Node", "addresses": ["fd10::1000", "10.0.0.1"],
           "sids": {"end": "fcdd:0:0:aa:1::"}, "podPrefixes": []},
          {"name": "worker1", "self": false, "role": "Node", "addresses": ["10.0.0.2", "fd11::1000"],
           "locator": "fcdd:0:0:bb::/64",
           "sids": {"end": "fcdd:0:0:bb:1::", "dt6": "fcdd:0:0:bb:12::", "dt46": "fcdd:0:0:bb:14::"},
           "podPrefixes": [{"prefix": "172.16.1.0/26", "color": null},
                           {"prefix": "fd20:0:0:1::/122", "color": 7}]},
          {"name": "r1", "self": false, "role": "Router", "addresses": [], "podPrefixes": []}]})",
      R"({"items": [{"node": "worker1", "family": "IPv4", "candidatePaths": [
          {"object": "SRv6Policy/old", "active": false,
           "segmentLists": [{"segments": ["fcff:1::1"], "weight": 1}]},
          {"object": "SRv6Policy/gold", "active": true,
           "segmentLists": [{"segments": ["fcff:2::1", "fcdd:0:0:bb:13::"], "weight": 1},
                            {"segments": ["fcff:3::1", "fcdd:0:0:bb:13::"], "weight": 2}]}]}]})");
  EXPECT_TRUE(facts.reachable());
  EXPECT_TRUE(facts.healthy);
  EXPECT_EQ(facts.max_segments, 4U);
  EXPECT_EQ(facts.no_fast_path, "no tc");
  EXPECT_EQ(facts.source_problems, 1U);
  ASSERT_EQ(facts.apply_problems.size(), 1U);
  EXPECT_EQ(facts.apply_problems[0].hint, "remove it");
  EXPECT_EQ(facts.overlay_address(Family::kIpv6), ip("fd20::1"));
  EXPECT_EQ(facts.underlay_address(Family::kIpv6), ip("fd10::1000"));
  EXPECT_EQ(facts.underlay_address(Family::kIpv4), ip("10.0.0.1"));
  EXPECT_EQ(facts.own_end, sid("fcdd:0:0:aa:1::"));

  ASSERT_EQ(facts.peers.size(), 1U) << "neither this node nor routers";
  const auto& peer = facts.peers[0];
  EXPECT_EQ(peer.dt4, sid("fcdd:0:0:bb:14::")) << "End.DT46 delivers both";
  EXPECT_EQ(peer.dt6, sid("fcdd:0:0:bb:12::"));
  EXPECT_EQ(peer.overlay_address(Family::kIpv4), ip("172.16.1.1"));
  EXPECT_EQ(peer.underlay_address(Family::kIpv6), ip("fd11::1000"));

  ASSERT_EQ(facts.lists.size(), 2U) << "the active path's";
  EXPECT_EQ(facts.lists[1].policy, "SRv6Policy/gold");
  EXPECT_EQ(facts.lists[1].segments.front(), sid("fcff:3::1"));
  EXPECT_EQ(facts.lists[1].family, Family::kIpv4);
}

TEST(AgentFacts, TellTheBgpSpeakersProblemsFromThoseOfObjects) {
  const auto facts = parse_agent(
      R"({"problems": [{"object": "BGP/listen", "reason": "Address already in use"},
                       {"object": "BGP/4:94:fd12::1000", "reason": "no segment list"},
                       {"object": "BGPPeer/tor", "reason": "no password"}]})",
      "{}", "{}");
  EXPECT_EQ(facts.source_problems, 2U);
  ASSERT_EQ(facts.bgp_problems.size(), 1U);
  EXPECT_EQ(facts.bgp_problems[0].object, "listen");
  EXPECT_EQ(facts.bgp_problems[0].cause, "Address already in use");
}

TEST(AgentFacts, OtherShapesAreJustEmpty) {
  for (const auto* body : {"", "null", "[]", "7", R"({"items": 7})", R"({"items": [7, {}, null]})",
                           R"({"items": [{"role": "Node", "addresses": [7, "x"], "sids": 7}]})",
                           R"({"maxSegments": -5, "podPrefixes": ["x", 7], "dataplane": []})"}) {
    const auto facts = parse_agent(body, body, body);
    EXPECT_FALSE(facts.encapsulation_source) << body;
    EXPECT_TRUE(facts.lists.empty()) << body;
    EXPECT_EQ(facts.max_segments, 0U) << body;
  }
}

}  // namespace
}  // namespace sextant::doctor
