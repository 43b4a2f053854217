#include "bgp/rib/rib.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "bgp/rib/test_support.h"

namespace sextant::bgp {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

TEST(Rib, TakesTheBetterOfTwoPeersAndFallsBack) {
  Rib rib(test_config());
  const auto one = rib.add_peer(internal_peer(1));
  const auto two = rib.add_peer(internal_peer(2));
  feed(rib, one, announcement({"2001:db8::/64"}, attributes_of({65001}, 100)));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), one);
  feed(rib, two, announcement({"2001:db8::/64"}, attributes_of({65001}, 200)));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), two);
  feed(rib, two, withdrawal({"2001:db8::/64"}));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), one);
  feed(rib, one, withdrawal({"2001:db8::/64"}));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), std::nullopt);
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 0U);
  EXPECT_EQ(rib.pool().size(), 0U) << "attributes go with the last route that has them";
}

TEST(Rib, KeepsAttributesOnceForAllRoutesAndPeers) {
  Rib rib(test_config());
  for (std::uint8_t i = 1; i <= 3; ++i) {
    const auto peer = rib.add_peer(internal_peer(i));
    for (int j = 0; j < 50; ++j) {
      feed(rib, peer,
           announcement({"2001:db8:0:" + std::to_string(j) + "::/64"}, attributes_of({65001})));
    }
  }
  EXPECT_EQ(rib.pool().size(), 1U);
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 50U);
}

TEST(Rib, KeepsFamiliesApartAndCountsPathsOfEach) {
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  const auto received =
      feed(rib, peer, announcement({"10.0.0.0/8", "10.1.0.0/16"}, attributes_of(), "192.0.2.1"));
  EXPECT_EQ(received.announced, 2U);
  EXPECT_EQ(received.judgement.verdict(), Verdict::kAccept) << received.judgement.reasons();
  feed(rib, peer, announcement({"2001:db8::/32"}, attributes_of()));
  EXPECT_EQ(rib.counts(peer, kIpv4Unicast).held, 2U);
  EXPECT_EQ(rib.counts(peer, kIpv6Unicast).held, 1U);
  feed(rib, peer, withdrawal({"10.0.0.0/8"}));
  EXPECT_EQ(rib.counts(peer, kIpv4Unicast).held, 1U);
  const auto entry = rib.table(kIpv4Unicast).find(key_of("10.1.0.0/16"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(rib.pool().next_hop(rib.table(kIpv4Unicast).best(*entry)->attributes).address,
            address_of("192.0.2.1"));
}

struct LoopRow {
  std::string name;
  bool internal;
  Attributes attributes;
  std::string reason;
};

TEST(Rib, RejectsLoopsWithTheReasonUntilTheRouteIsSentAgain) {
  auto reflected = attributes_of({65001});
  reflected.originator_id = Ipv4Address({10, 0, 0, 100});
  auto circled = attributes_of({65001});
  circled.originator_id = Ipv4Address({10, 0, 0, 9});
  circled.cluster_list = {Ipv4Address({1, 1, 1, 1}), Ipv4Address({10, 0, 0, 100})};
  const std::vector<LoopRow> rows = {
      {"own AS, eBGP", false, attributes_of({65001, 64512}), "RFC 4271 section 9.1.2"},
      {"own AS, iBGP", true, attributes_of({65001, 64512}), "RFC 4271 section 9.1.2"},
      {"first AS is not the peer's", false, attributes_of({65002}), "RFC 4271 section 6.3"},
      {"own ORIGINATOR_ID", true, reflected, "ORIGINATOR_ID"},
      {"own cluster", true, circled, "CLUSTER_LIST"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Rib rib(test_config());
    const auto peer = rib.add_peer(row.internal ? internal_peer(1) : external_peer(1, 65001));
    feed(rib, peer, announcement({"2001:db8::/64"}, attributes_of({65001})));
    ASSERT_EQ(best_peer(rib, "2001:db8::/64"), peer);
    const auto received = feed(rib, peer, announcement({"2001:db8::/64"}, row.attributes));
    EXPECT_EQ(received.rejected, 1U);
    EXPECT_EQ(best_peer(rib, "2001:db8::/64"), std::nullopt) << "it replaced the good route";
    ASSERT_EQ(rib.rejected().routes().size(), 1U);
    EXPECT_THAT(rib.rejected().routes().front().reason, HasSubstr(row.reason));
    feed(rib, peer, announcement({"2001:db8::/64"}, attributes_of({65001})));
    EXPECT_TRUE(rib.rejected().empty());
    EXPECT_EQ(best_peer(rib, "2001:db8::/64"), peer);
  }
}

// RFC 8326 section 4.2: the longer way is taken before the link goes down.
TEST(Rib, TakesWhatIsAboutToGoLast) {
  Rib rib(test_config());
  const auto leaving = rib.add_peer(external_peer(1, 65001));
  const auto staying = rib.add_peer(external_peer(2, 65002));
  feed(rib, leaving, announcement({"2001:db8::/64"}, attributes_of({65001})));
  feed(rib, staying, announcement({"2001:db8::/64"}, attributes_of({65002, 65003})));
  ASSERT_EQ(best_peer(rib, "2001:db8::/64"), leaving);
  auto marked = attributes_of({65001});
  marked.communities = {kGracefulShutdown};
  feed(rib, leaving, announcement({"2001:db8::/64"}, marked));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), staying);
  feed(rib, staying, withdrawal({"2001:db8::/64"}));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), leaving) << "it is there still";
  // Within the AS LOCAL_PREF has been lowered where the route came in.
  const auto inside = rib.add_peer(internal_peer(3));
  feed(rib, inside, announcement({"2001:db8:1::/64"}, marked));
  const auto entry = rib.table(kIpv6Unicast).find(key_of("2001:db8:1::/64"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(rib.pool()[rib.table(kIpv6Unicast).best(*entry)->attributes].decision().local_pref,
            100U);
}

TEST(Rib, FiltersByPrefixAndCommunityOnTheWayIn) {
  auto filter = std::make_shared<RouteFilter>();
  filter->accept_others = false;
  filter->rules = {
      {.accept = false, .name = "tainted", .communities = {Community{0xfc000001}}},
      {.accept = true, .within = prefix_of("2001:db8::/32"), .max_length = 64},
  };
  Rib rib(test_config());
  auto config = internal_peer(1);
  config.import_filter = filter;
  const auto peer = rib.add_peer(config);
  auto tainted = attributes_of();
  tainted.communities = {Community{0xfc000001}};
  feed(rib, peer,
       announcement({"2001:db8:1::/64", "2001:db8:1::/65", "fd00::/64"}, attributes_of()));
  feed(rib, peer, announcement({"2001:db8:2::/64"}, tainted));
  EXPECT_EQ(best_peer(rib, "2001:db8:1::/64"), peer);
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 1U);
  std::vector<std::string> reasons;
  for (const auto& route : rib.rejected().routes()) {
    reasons.push_back(to_string(route.family, route.key) + ": " + route.reason);
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{"2001:db8:1::/65: no filter rule accepts it",
                                               "fd00::/64: no filter rule accepts it",
                                               "2001:db8:2::/64: filter rule 'tainted'"}));
}

TEST(Rib, KeepsABoundedNumberOfRejectedRoutes) {
  auto config = test_config();
  config.rejected_limit = 3;
  Rib rib(config);
  const auto peer = rib.add_peer(internal_peer(1));
  for (int i = 0; i < 10; ++i) {
    feed(rib, peer,
         announcement({"2001:db8:" + std::to_string(i) + "::/64"}, attributes_of({64512})));
  }
  EXPECT_EQ(rib.rejected().routes().size(), 3U);
  EXPECT_EQ(rib.rejected().routes().front().key, key_of("2001:db8:7::/64"));
  EXPECT_EQ(rib.rejected().total(), 10U);
}

TEST(Rib, AnUpdateWithoutOriginWithdrawsItsRoutes) {  // RFC 7606 section 3 d
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  feed(rib, peer, announcement({"2001:db8::/64"}, attributes_of()));
  auto broken = attributes_of();
  broken.origin.reset();
  const auto received = feed(rib, peer, announcement({"2001:db8::/64"}, broken));
  EXPECT_EQ(received.judgement.verdict(), Verdict::kTreatAsWithdraw);
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), std::nullopt);
  ASSERT_EQ(rib.rejected().routes().size(), 1U);
  EXPECT_THAT(rib.rejected().routes().front().reason, HasSubstr("ORIGIN"));
}

TEST(Rib, APeerIsLostInSlicesAndItsNumberUsedAgainAfterwards) {
  Rib rib(test_config());
  const auto one = rib.add_peer(internal_peer(1));
  const auto two = rib.add_peer(internal_peer(2));
  std::vector<std::string> prefixes;
  for (int i = 0; i < 100; ++i) prefixes.push_back("2001:db8:0:" + std::to_string(i) + "::/64");
  feed(rib, one, announcement(prefixes, attributes_of({}, 200)));
  feed(rib, two, announcement(prefixes, attributes_of({}, 100)));
  rib.remove_peer(one);
  EXPECT_TRUE(rib.step(10));
  EXPECT_EQ(rib.counts(one, kIpv6Unicast).held, 90U);
  EXPECT_NE(rib.add_peer(internal_peer(3)), one) << "its routes are still there";
  int steps = 1;
  for (; rib.step(10) && steps < 100; ++steps) {
  }
  EXPECT_LE(steps, 11);
  for (const auto& prefix : prefixes) ASSERT_EQ(best_peer(rib, prefix), two);
  EXPECT_EQ(rib.add_peer(internal_peer(4)), one);
}

TEST(Rib, StaleRoutesAreUsedUntilTheyAreSweptAndFreshOnesStay) {  // RFC 4724 section 4.2
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  feed(rib, peer, announcement({"2001:db8:1::/64", "2001:db8:2::/64"}, attributes_of()));
  rib.mark_stale(peer, kIpv6Unicast);
  EXPECT_EQ(rib.counts(peer, kIpv6Unicast).stale, 2U);
  EXPECT_EQ(best_peer(rib, "2001:db8:1::/64"), peer);
  const auto entry = rib.table(kIpv6Unicast).find(key_of("2001:db8:1::/64"));
  EXPECT_TRUE(rib.is_stale(kIpv6Unicast, *rib.table(kIpv6Unicast).best(*entry)));

  const auto queue = rib.open_queue(kIpv6Unicast, ChangeQueue::Interest::kAllPaths);
  feed(rib, peer, announcement({"2001:db8:1::/64"}, attributes_of()));
  EXPECT_TRUE(queue->empty()) << "the same route again is no change";
  rib.sweep_stale(peer, kIpv6Unicast);
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(best_peer(rib, "2001:db8:1::/64"), peer);
  EXPECT_EQ(best_peer(rib, "2001:db8:2::/64"), std::nullopt);
  EXPECT_EQ(queue->size(), 1U);
}

TEST(Rib, ASecondRestartTakesWhatWasStaleBefore) {  // RFC 4724 section 4.2
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  feed(rib, peer, announcement({"2001:db8:1::/64", "2001:db8:2::/64"}, attributes_of()));
  rib.mark_stale(peer, kIpv6Unicast);
  feed(rib, peer, announcement({"2001:db8:1::/64"}, attributes_of()));
  rib.mark_stale(peer, kIpv6Unicast);
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(best_peer(rib, "2001:db8:1::/64"), peer);
  EXPECT_EQ(best_peer(rib, "2001:db8:2::/64"), std::nullopt);
}

TEST(Rib, NoRouteOutlivesRefreshesHoweverManyCameBeforeAStep) {  // epochs are counted in a byte
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  feed(rib, peer, announcement({"2001:db8:1::/64"}, attributes_of()));
  for (int i = 0; i < 255; ++i) {
    rib.mark_stale(peer, kIpv6Unicast);
    rib.sweep_stale(peer, kIpv6Unicast);
  }
  rib.drop(peer);
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 0U);
  EXPECT_EQ(rib.counts(peer, kIpv6Unicast).stale, 0U);
}

TEST(Rib, ALossStillBeingSweptSparesRoutesOfTheNextSession) {
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  std::vector<std::string> old;
  for (int i = 0; i < 20; ++i) old.push_back("2001:db8:0:" + std::to_string(i) + "::/64");
  feed(rib, peer, announcement(old, attributes_of()));
  rib.drop(peer);
  EXPECT_TRUE(rib.step(5));
  feed(rib, peer, announcement({old.back()}, attributes_of()));
  rib.mark_stale(peer, kIpv6Unicast);  // the new session is lost, too, this time gracefully
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 1U);
  EXPECT_EQ(best_peer(rib, old.back()), peer);
}

TEST(Rib, NextHopsThatMoveChangeTheChoice) {  // RFC 4271 sections 9.1.2.1 and 9.1.2.2 e
  std::map<std::string, std::optional<std::uint32_t>> costs{{"fd00::a", 10}, {"fd00::b", 20}};
  auto config = test_config();
  config.resolver = [&](const IpAddress& address) { return costs[address.to_string()]; };
  Rib rib(config);
  const auto a = rib.add_peer(internal_peer(1));
  const auto b = rib.add_peer(internal_peer(2));
  feed(rib, a, announcement({"2001:db8::/64"}, attributes_of(), "fd00::a"));
  feed(rib, b, announcement({"2001:db8::/64"}, attributes_of(), "fd00::b"));
  const auto queue = rib.open_queue(kIpv6Unicast, ChangeQueue::Interest::kBest);
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), a);
  costs["fd00::a"] = 30;
  rib.next_hops_changed();
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), b);
  EXPECT_EQ(queue->size(), 1U);
  costs["fd00::a"] = costs["fd00::b"] = std::nullopt;
  rib.next_hops_changed();
  EXPECT_FALSE(rib.step(kAll));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), std::nullopt);
  EXPECT_EQ(rib.counts(a, kIpv6Unicast).held, 1U) << "the route is kept for better days";
}

TEST(Rib, OwnRoutesComeBeforeReceivedOnesOfTheSamePreference) {
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  feed(rib, peer, announcement({"2001:db8::/64"}, attributes_of({}, 100)));
  rib.announce(kIpv6Unicast, key_of("2001:db8::/64"), attributes_of({}, 100),
               NextHop{.address = address_of("fd00::100")});
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), kLocalPeer);
  feed(rib, peer, announcement({"2001:db8::/64"}, attributes_of({}, 101)));
  EXPECT_EQ(best_peer(rib, "2001:db8::/64"), peer);
  rib.withdraw(kIpv6Unicast, key_of("2001:db8::/64"));
  feed(rib, peer, withdrawal({"2001:db8::/64"}));
  EXPECT_EQ(rib.table(kIpv6Unicast).size(), 0U);
}

TEST(Rib, ChoosingStepByStepEqualsChoosingFromScratch) {
  std::mt19937 random(11);
  const auto below = [&](std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
  };
  Rib rib(test_config());
  std::vector<PeerId> peers;
  std::vector<RibPeer> configs;
  for (std::uint8_t i = 1; i <= 6; ++i) {
    configs.push_back(i <= 3 ? internal_peer(i) : external_peer(i, 65000U + i % 2));
    peers.push_back(rib.add_peer(configs.back()));
  }
  using Announced = std::map<std::size_t, Attributes>;
  std::map<std::string, Announced> model;  // prefix -> peer's index -> what it sent last
  const auto check_against_a_new_rib = [&] {
    Rib fresh(test_config());
    std::vector<std::size_t> order{0, 1, 2, 3, 4, 5};
    std::ranges::shuffle(order, random);
    for (const auto& config : configs) (void)fresh.add_peer(config);
    std::size_t routes = 0;
    for (const auto& [prefix, announced] : model) {
      for (const auto i : order) {
        if (!announced.contains(i)) continue;
        feed(fresh, peers[i], announcement({prefix}, announced.at(i)));
      }
      routes += announced.empty() ? 0 : 1;
      ASSERT_EQ(best_peer(rib, prefix), best_peer(fresh, prefix)) << prefix;
    }
    ASSERT_EQ(rib.table(kIpv6Unicast).size(), routes);
    ASSERT_EQ(rib.pool().size(), fresh.pool().size());
  };
  for (int i = 0; i < 3000; ++i) {
    const auto prefix = "2001:db8:0:" + std::to_string(below(12)) + "::/64";
    const auto peer = below(6);
    if (below(100) == 0) {
      rib.drop(peers[peer]);
      rib.step(kAll);
      for (auto& [name, announced] : model) announced.erase(peer);
    } else if (below(4) == 0) {
      feed(rib, peers[peer], withdrawal({prefix}));
      model[prefix].erase(peer);
    } else {
      auto attributes = attributes_of({configs[peer].asn, 65010}, 100 + below(2));
      if (configs[peer].facts.internal) attributes.as_path = as_path({65000 + below(2), 65010});
      attributes.med = below(3);
      feed(rib, peers[peer], announcement({prefix}, attributes));
      model[prefix][peer] = attributes;
    }
    if (i % 100 == 0) check_against_a_new_rib();
  }
  check_against_a_new_rib();
}

}  // namespace
}  // namespace sextant::bgp
