// What a headend tells of the candidate paths that it has by BGP.
#include "sources/bgp/policy_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "bgp/wire/sr_policy_tunnel.h"

namespace sextant::bgp_source {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
Ipv4Address ipv4(const char* text) { return Ipv4Address::parse(text).value(); }

const Ipv4Address kSelf = ipv4("10.0.0.1");
const bgp::PathHeadend kHeadend{.asn = 64512, .router_id = kSelf, .ipv6 = ip("fd10::1000").v6()};
const bgp::SrPolicyNlri kNlri{4, {94}, ip("fd12::1000")};
const RouteOrigin kInjector{bgp::SrPolicyDialect::kStandard, 64512, ipv4("10.0.0.99"),
                            "fd00:0:34::2"};

bgp::SrPolicyTunnel tunnel() {
  bgp::SrPolicyTunnel tunnel{.preference = 200, .priority = 7};
  tunnel.binding_sid = bgp::BindingSid{.flags = 0x40, .sid = ip("cafe::25").v6()};
  tunnel.lists = {{.weight = 3,
                   .segments = {bgp::Segment::of(ip("fcff:6::1").v6()),
                                bgp::Segment::of(ip("fcdd::5").v6(),
                                                 bgp::SidBehavior{srv6::Behavior::kEndDt6})}}};
  tunnel.candidate_path_name = "gold";
  return tunnel;
}

bgp::Attributes attributes_of(const bgp::SrPolicyTunnel& tunnel,
                              std::vector<Ipv4Address> targets = {}) {
  bgp::Attributes attributes{.origin = bgp::Origin::kIgp};
  attributes.tunnel_encapsulation = bgp::encode_sr_policy(tunnel).value();
  for (const auto target : targets) {
    attributes.extended_communities.push_back(bgp::ExtendedCommunity::route_target(target, 0));
  }
  return attributes;
}

/// As the source makes it of a route.
std::optional<PathRoute> read(const bgp::Attributes& attributes,
                              const RouteOrigin& origin = kInjector) {
  return path_route(attributes, origin,
                    read_sr_policy(kNlri, ip("fd00:0:34::2"), attributes, origin, kSelf));
}

/// Told and withdrawn routes in words: "+path 4 ...: EVC reason", "-path 4 ...".
std::vector<std::string> words(const PolicyStates::Change& change) {
  std::vector<std::string> all;
  for (const auto& nlri : change.gone) all.push_back("-" + nlri.to_string());
  for (const auto& [nlri, attribute] : change.told) {
    const auto state = bgp::decode_policy_path_state(attribute).value();
    std::string flags;
    for (std::size_t bit = 0; bit < 11; ++bit) {
      if ((state.flags << bit & 0x8000) != 0) flags += "SABEVODCITU"[bit];
    }
    all.push_back("+" + nlri.to_string() + ": " + flags +
                  (state.reason.empty() ? "" : " " + state.reason));
  }
  return all;
}

const std::string kName = "fd10::1000 (10.0.0.1): path 4 of policy 94 to fd12::1000";

PathOutcomes outcome(PathOutcome one) { return {{kNlri.to_string(), std::move(one)}}; }
const PathOutcome kInUse{.evaluated = true, .valid = true, .active = true};

TEST(PolicyStates, RepeatTheRouteAndSayWhatBecameOfIt) {
  PolicyStates states;
  states.set(kNlri, read(attributes_of(tunnel())));
  const auto change = states.update(kHeadend, outcome(kInUse));
  ASSERT_EQ(change.told.size(), 1U);
  const auto& [nlri, attribute] = change.told.front();
  const auto path = bgp::decode_policy_path(nlri.bytes);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(*path, (bgp::PolicyPath{.headend = kHeadend,
                                    .origin = bgp::PathOrigin::kBgp,
                                    .endpoint = kNlri.endpoint,
                                    .color = kNlri.color,
                                    .originator_asn = 64512,
                                    .originator = ip("10.0.0.99"),
                                    .discriminator = 4}));
  EXPECT_EQ(bgp::decode_policy_path_state(attribute),
            (bgp::PolicyPathState{
                .priority = 7,
                .flags = bgp::kPathActive | bgp::kPathEvaluated | bgp::kPathValid |
                         bgp::kPathProvisioned | bgp::kPathDropUponInvalid,
                .preference = 200,
                .name = "gold",
                .binding_sid = bgp::PathBindingSid{bgp::kBindingSidAllocated, ip("cafe::25").v6(),
                                                   ip("cafe::25").v6()},
                .lists = {{.flags = bgp::kListSrv6 | bgp::kListExplicit | bgp::kListVerified,
                           .weight = 3,
                           .segments = {{.sid = ip("fcff:6::1").v6()},
                                        {.sid = ip("fcdd::5").v6(),
                                         .behavior = srv6::Behavior::kEndDt6}}}}}));
}

TEST(PolicyStates, TellOnlyWhatChanged) {
  PolicyStates states;
  EXPECT_TRUE(states.update(kHeadend, {}).empty());
  states.set(kNlri, read(attributes_of(tunnel())));
  EXPECT_THAT(words(states.update(kHeadend, outcome({.reason = "waiting"}))),
              ElementsAre("+" + kName + ": CI waiting"));
  EXPECT_THAT(words(states.update(kHeadend, outcome({.reason = "waiting"}))), IsEmpty());
  EXPECT_THAT(words(states.update(kHeadend, outcome(kInUse))),
              ElementsAre("+" + kName + ": AEVCI"));
  EXPECT_THAT(words(states.update(
                  kHeadend, outcome({.evaluated = true, .valid = true, .reason = "another"}))),
              ElementsAre("+" + kName + ": EVCI another"));
  EXPECT_THAT(words(states.update(kHeadend, outcome({.evaluated = true, .reason = "no SID"}))),
              ElementsAre("+" + kName + ": ECI no SID"));
  // The same route from another router is another path.
  auto reflected = attributes_of(tunnel());
  reflected.originator_id = ipv4("10.0.0.98");
  states.set(kNlri, read(reflected));
  EXPECT_THAT(words(states.update(kHeadend, outcome(kInUse))),
              ElementsAre("-" + kName, "+" + kName + ": AEVCI"));
  states.set(kNlri, std::nullopt);
  EXPECT_THAT(words(states.update(kHeadend, outcome(kInUse))), ElementsAre("-" + kName));
  EXPECT_TRUE(states.update(kHeadend, {}).empty());
}

TEST(PolicyStates, OfANewIdentityAreToldAnew) {
  PolicyStates states;
  states.set(kNlri, read(attributes_of(tunnel())));
  EXPECT_EQ(states.update(kHeadend, outcome(kInUse)).told.size(), 1U);
  auto moved = kHeadend;
  moved.ipv6 = ip("fd10::2000").v6();
  EXPECT_THAT(
      words(states.update(moved, outcome(kInUse))),
      ElementsAre("-" + kName, "+fd10::2000 (10.0.0.1): path 4 of policy 94 to fd12::1000: AEVCI"));
}

TEST(PolicyStates, SayWhyARouteIsOfNoUse) {
  PolicyStates states;
  auto labels = tunnel();
  labels.binding_sid.reset();
  labels.lists = {{.segments = {{.type = bgp::SegmentType::kA, .value = {0, 0, 0, 6, 0x40, 0}}}}};
  const auto route = read(attributes_of(labels));
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->state.lists.at(0).flags, bgp::kListExplicit) << "neither of SRv6 nor verified";
  states.set(kNlri, route);
  const auto told = words(states.update(kHeadend, {}));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.front(), "+" + kName + ": EC " + route->unusable);
  EXPECT_FALSE(route->unusable.empty());

  // Malformed: nothing but the key is known. A good route of another peer goes before it.
  PolicyStates rejecting;
  const std::map<bgp::SrPolicyNlri, PathRoute> rejected = {
      {kNlri, {.originator = ipv4("10.0.0.99"), .unusable = "no tunnel"}}};
  rejecting.set_rejected(rejected);
  EXPECT_THAT(words(rejecting.update(kHeadend, {})), ElementsAre("+" + kName + ": E no tunnel"));
  rejecting.set(kNlri, read(attributes_of(tunnel())));
  EXPECT_THAT(words(rejecting.update(kHeadend, outcome(kInUse))),
              ElementsAre("-" + kName, "+" + kName + ": AEVCI"));
  rejecting.set(kNlri, std::nullopt);
  rejecting.set_rejected({});
  EXPECT_THAT(words(rejecting.update(kHeadend, {})), ElementsAre("-" + kName));
}

TEST(PolicyStates, LeaveOutWhatIsNotForThisHeadend) {
  EXPECT_FALSE(read(attributes_of(tunnel(), {ipv4("10.0.0.2")})).has_value());
  EXPECT_TRUE(read(attributes_of(tunnel(), {ipv4("10.0.0.2"), kSelf})).has_value());
  // Towards this node itself: told of only where it was named.
  const PathOutcome here{.evaluated = true, .leads_here = true, .reason = "its endpoint is here"};
  PolicyStates states;
  states.set(kNlri, read(attributes_of(tunnel())));
  EXPECT_TRUE(states.update(kHeadend, outcome(here)).empty());
  EXPECT_EQ(states.update(kHeadend, outcome(kInUse)).told.size(), 1U);
  EXPECT_THAT(words(states.update(kHeadend, outcome(here))), ElementsAre("-" + kName));
  states.set(kNlri, read(attributes_of(tunnel(), {kSelf})));
  EXPECT_THAT(words(states.update(kHeadend, outcome(here))),
              ElementsAre("+" + kName + ": ECI its endpoint is here"));
  // A node's own SID as Calico-VPP announces it is no policy.
  const RouteOrigin calico{bgp::SrPolicyDialect::kCalicoVpp, 64512, ipv4("10.0.0.2"), "fd12::1000"};
  const bgp::SrPolicyNlri own{0, {6}, ip("fd12::1000")};
  bgp::SrPolicyTunnel sid;
  sid.lists = {{.segments = {bgp::Segment::of(ip("fcdd::5").v6(),
                                              bgp::SidBehavior{srv6::Behavior::kEndDt6})}}};
  const auto attributes = attributes_of(sid);
  EXPECT_FALSE(
      path_route(attributes, calico, read_sr_policy(own, own.endpoint, attributes, calico, kSelf)));
}

TEST(PolicyStates, FitAMessageHoweverLongTheListsAre) {
  auto deep = tunnel();
  const auto segment = deep.lists.front().segments.front();
  deep.lists.front().segments.assign(100, segment);
  PolicyStates states;
  states.set(kNlri, read(attributes_of(deep)));
  const auto change = states.update(kHeadend, outcome(kInUse));
  ASSERT_EQ(change.told.size(), 1U);
  EXPECT_LT(change.told.front().second.size(), 1000U);
  deep.lists.insert(deep.lists.begin(), 500, {});
  deep.lists.back().segments = {segment};
  states.set(kNlri, read(attributes_of(deep)));
  const auto many = states.update(kHeadend, outcome(kInUse));
  ASSERT_EQ(many.told.size(), 1U);
  EXPECT_LT(many.told.front().second.size(), 1000U);
}

}  // namespace
}  // namespace sextant::bgp_source
