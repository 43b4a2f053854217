#include "bgp/rib/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace sextant::bgp {
namespace {

struct Route {
  DecisionFields fields;
  Candidate candidate;
};

Route ordinary() {
  Route route;
  route.fields = {
      .local_pref = 100, .med = 50, .neighbor_as = 65001, .as_path_length = 3, .origin = 1};
  route.candidate.source = PathSource::kInternal;
  route.candidate.igp_cost = 10;
  route.candidate.router_id = 0x0a000005;
  route.candidate.peer_address = Ipv4Address({10, 0, 0, 5});
  route.candidate.peer = 5;
  return route;
}

std::vector<Candidate> candidates_of(std::vector<Route>& routes) {
  std::vector<Candidate> candidates;
  for (auto& route : routes) {
    route.candidate.fields = &route.fields;
    candidates.push_back(route.candidate);
  }
  return candidates;
}

Decision decide_among(std::vector<Route> routes) {
  std::vector<std::uint32_t> scratch;
  return decide(candidates_of(routes), scratch);
}

struct Row {
  std::string name;
  DecisionStep step;
  std::function<void(Route&)> better;
};

// So that a row shows: what later steps look at is not asked.
void worsen_from(DecisionStep step, Route& route) {
  if (step < DecisionStep::kAsPath) route.fields.as_path_length = 9;
  if (step < DecisionStep::kOrigin) route.fields.origin = 2;
  if (step < DecisionStep::kMed) route.fields.med = 900;
  if (step < DecisionStep::kIgpCost) route.candidate.igp_cost = 900;
  if (step < DecisionStep::kRouterId) route.candidate.router_id = 0xffffff00;
  if (step < DecisionStep::kClusterList) route.fields.cluster_list_length = 7;
  if (step < DecisionStep::kPeerAddress) {
    route.candidate.peer_address = Ipv4Address({250, 0, 0, 5});
  }
}

TEST(Decision, EachStepDecidesInBothOrdersAndBeforeAllLaterOnes) {
  const std::vector<Row> rows = {
      {"RFC 4271 9.1.1: higher LOCAL_PREF", DecisionStep::kLocalPref,
       [](Route& r) { r.fields.local_pref = 101; }},
      {"RFC 4271 9.1.2.2 a: shorter AS_PATH", DecisionStep::kAsPath,
       [](Route& r) { r.fields.as_path_length = 2; }},
      {"RFC 4271 9.1.2.2 b: lower ORIGIN", DecisionStep::kOrigin,
       [](Route& r) { r.fields.origin = 0; }},
      {"RFC 4271 9.1.2.2 c: lower MED", DecisionStep::kMed, [](Route& r) { r.fields.med = 49; }},
      {"RFC 4271 9.1.2.2 c: no MED is the lowest", DecisionStep::kMed,
       [](Route& r) { r.fields.med = DecisionFields{}.med; }},
      {"RFC 4271 9.1.2.2 d: eBGP before iBGP", DecisionStep::kSource,
       [](Route& r) { r.candidate.source = PathSource::kExternal; }},
      {"RFC 4271 9.1.2.2 d: of this speaker before received", DecisionStep::kSource,
       [](Route& r) { r.candidate.source = PathSource::kLocal; }},
      {"RFC 4271 9.1.2.2 e: nearer next hop", DecisionStep::kIgpCost,
       [](Route& r) { r.candidate.igp_cost = 9; }},
      {"RFC 4271 9.1.2.2 f: lower BGP Identifier", DecisionStep::kRouterId,
       [](Route& r) { r.candidate.router_id = 0x0a000004; }},
      {"RFC 4456 9: ORIGINATOR_ID in place of the BGP Identifier", DecisionStep::kRouterId,
       [](Route& r) {
         r.candidate.router_id = 0x0a0000ff;
         r.fields.has_originator_id = true;
         r.fields.originator_id = 0x0a000001;
       }},
      {"RFC 4271 9.1.2.2 g: lower peer address", DecisionStep::kPeerAddress,
       [](Route& r) {
         r.candidate.peer_address = Ipv4Address({10, 0, 0, 4});
       }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto winner = ordinary();
    worsen_from(row.step, winner);
    row.better(winner);
    for (const bool first : {true, false}) {
      const auto decision =
          first ? decide_among({winner, ordinary()}) : decide_among({ordinary(), winner});
      EXPECT_EQ(decision.best, first ? 0U : 1U);
      EXPECT_EQ(decision.step, row.step);
    }
  }
}

TEST(Decision, ShorterClusterListDecidesAfterTheIdentifier) {  // RFC 4456 section 9
  auto near = ordinary();
  auto far = ordinary();
  near.fields.cluster_list_length = 1;
  far.fields.cluster_list_length = 2;
  near.candidate.peer_address = Ipv4Address({200, 0, 0, 1});
  EXPECT_EQ(decide_among({far, near}).best, 1U);
  EXPECT_EQ(decide_among({near, far}).best, 0U);
  EXPECT_EQ(decide_among({near, far}).step, DecisionStep::kClusterList);
}

TEST(Decision, MedIsComparedWithinOneNeighboringAsOnly) {  // RFC 4271 section 9.1.2.2 c
  auto low = ordinary();
  auto high = ordinary();
  low.fields.med = 1;
  high.fields.med = 1000;
  high.fields.neighbor_as = 65002;
  high.candidate.router_id = 0x0a000001;  // f decides then
  EXPECT_EQ(decide_among({low, high}).best, 1U);
  EXPECT_EQ(decide_among({high, low}).best, 0U);
  EXPECT_EQ(decide_among({high, low}).step, DecisionStep::kRouterId);
}

TEST(Decision, MedOfOneAsDoesNotDependOnTheOrderOfArrival) {
  // The pairwise relation is a circle here: A beats B by MED, B beats C and C beats A by
  // identifier.
  auto a = ordinary();
  auto b = ordinary();
  auto c = ordinary();
  a.fields.med = 1;
  b.fields.med = 2;
  c.fields.neighbor_as = 65002;
  b.candidate.router_id = 1;
  c.candidate.router_id = 2;
  a.candidate.router_id = 3;
  std::array<Route, 3> routes{a, b, c};
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    const auto decision = decide_among({routes[order[0]], routes[order[1]], routes[order[2]]});
    EXPECT_EQ(order[decision.best], 2U) << "b goes by MED, then c has the lower identifier";
  } while (std::ranges::next_permutation(order).found);
}

TEST(Decision, PathsWhoseNextHopCannotBeReachedAreOut) {  // RFC 4271 section 9.1.2.1
  auto lost = ordinary();
  lost.fields.local_pref = 500;
  lost.candidate.eligible = false;
  EXPECT_EQ(decide_among({lost, ordinary()}).best, 1U);
  EXPECT_EQ(decide_among({ordinary(), lost}).best, 0U);
  EXPECT_EQ(decide_among({lost}).best, Decision::kNone);
  EXPECT_EQ(decide_among({}).best, Decision::kNone);
}

TEST(Decision, EqualPathsOfTwoSessionsWithOneRouterAreToldApart) {
  auto first = ordinary();
  auto second = ordinary();
  second.candidate.peer = 6;
  EXPECT_EQ(decide_among({first, second}).best, 0U);
  EXPECT_EQ(decide_among({second, first}).best, 1U);
}

TEST(Decision, TwoPathsAreComparedAsManyAre) {
  std::mt19937 random(3);
  const auto below = [&](std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
  };
  auto out = ordinary();
  out.candidate.eligible = false;
  for (int round = 0; round < 3000; ++round) {
    std::array<Route, 2> routes{ordinary(), ordinary()};
    routes[1].candidate.peer = 6;
    for (auto& route : routes) {
      // Rarely different, so that late steps are reached, too.
      if (below(8) == 0) route.fields.local_pref = 101;
      if (below(8) == 0) route.fields.as_path_length = 1;
      if (below(8) == 0) route.fields.origin = 0;
      if (below(4) == 0) route.fields.med = below(2);
      if (below(4) == 0) route.fields.neighbor_as = 65002;
      if (below(8) == 0) route.candidate.source = PathSource::kExternal;
      if (below(8) == 0) route.candidate.igp_cost = 1;
      if (below(4) == 0) route.candidate.router_id = 1;
      if (below(4) == 0) route.fields.has_originator_id = true;
      if (below(4) == 0) route.fields.cluster_list_length = 1;
      if (below(2) == 0) route.candidate.peer_address = Ipv4Address({10, 0, 0, 1});
    }
    const auto two = decide_among({routes[0], routes[1]});
    const auto many = decide_among({routes[0], routes[1], out});
    ASSERT_EQ(two.best, many.best);
    ASSERT_EQ(two.step, many.step);
  }
}

TEST(Decision, AnyOrderOfManyPathsGivesTheSameBest) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Route> routes;
    for (std::uint16_t i = 0; i < 8; ++i) {
      auto route = ordinary();
      route.fields.local_pref = 100 + below(2);
      route.fields.as_path_length = static_cast<std::uint16_t>(1 + below(2));
      route.fields.med = below(3);
      route.fields.neighbor_as = 65001 + below(3);
      route.candidate.router_id = below(3);
      route.candidate.eligible = below(5) != 0;
      route.candidate.peer = i;
      routes.push_back(route);
    }
    const auto chosen = [&] {
      const auto best = decide_among(routes).best;
      return best == Decision::kNone ? -1 : int{routes[best].candidate.peer};
    };
    const auto expected = chosen();
    for (int shuffle = 0; shuffle < 5; ++shuffle) {
      std::ranges::shuffle(routes, random);
      ASSERT_EQ(chosen(), expected);
    }
  }
}

}  // namespace
}  // namespace sextant::bgp
