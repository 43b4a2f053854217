#include "bgp/rib/exporter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bgp/rib/test_support.h"
#include "bgp/wire/route_refresh.h"

namespace sextant::bgp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

/// What a peer makes of the messages it is sent.
struct Listener {
  PeerId id{};
  SessionFacts facts = {};
  std::map<std::string, Attributes> routes = {};
  std::map<std::string, IpAddress> next_hops = {};
  std::vector<std::string> log = {};  // "+ 2001:db8::/64", "- ...", "end of rib", "begin", "end"
  std::size_t bytes = 0;
  std::size_t messages = 0;

  void hear(const std::vector<std::uint8_t>& stream) {
    bytes += stream.size();
    std::span<const std::uint8_t> rest(stream);
    while (!rest.empty()) {
      const auto message = next_message(rest, kMaxExtendedMessage);
      ASSERT_TRUE(message.has_value() && message->has_value());
      rest = rest.subspan((*message)->size);
      ++messages;
      if ((*message)->type == MessageType::kRouteRefresh) {
        log.push_back(decode_route_refresh((*message)->body)->kind == RefreshKind::kBegin ? "begin"
                                                                                          : "end");
      } else {
        ASSERT_EQ((*message)->type, MessageType::kUpdate);
        take(split_update((*message)->body));
      }
    }
  }

  void take(const UpdateView& update) {
    ASSERT_EQ(update.judgement.verdict(), Verdict::kAccept) << update.judgement.reasons();
    if (update.end_of_rib()) return log.push_back("end of rib");
    std::vector<std::uint8_t> block;
    update.shared.append_to(block);
    if (update.unreach) {
      PrefixNlriCursor cursor(update.unreach->family.afi, update.unreach->nlri);
      for (PrefixNlri one; cursor.next(one);) {
        const auto name = one.prefix(update.unreach->family.afi).to_string();
        EXPECT_EQ(routes.erase(name), 1U) << "a withdrawal of what was never told: " << name;
        log.push_back("- " + name);
      }
    }
    if (!update.reach) return;
    const auto decoded = decode_attributes(block, facts, {.family = update.reach->family});
    ASSERT_EQ(decoded.judgement.verdict(), Verdict::kAccept) << decoded.judgement.reasons();
    PrefixNlriCursor cursor(update.reach->family.afi, update.reach->nlri);
    for (PrefixNlri one; cursor.next(one);) {
      const auto name = one.prefix(update.reach->family.afi).to_string();
      routes[name] = decoded.attributes;
      next_hops[name] = decode_next_hop(update.reach->family, update.reach->next_hop)->address;
      log.push_back("+ " + name);
    }
  }

  /// Reads all there is; `most` blocks at the most.
  void listen(Exporter& exporter, std::size_t most = kAll) {
    while (most > 0 && exporter.pending(id, kIpv6Unicast)) {
      if (const auto block = exporter.next(id, kIpv6Unicast)) {
        hear(*block);
        --most;
      }
    }
  }
  [[nodiscard]] std::vector<std::string> taken_log() { return std::exchange(log, {}); }
};

ExportRules rules_for(const RibPeer& peer) {
  return {.family = kIpv6Unicast,
          .internal = peer.facts.internal,
          .reflect_client = peer.reflect_client,
          .self = {.address = address_of("fd00::100")}};
}

struct Lab {
  Rib rib{test_config()};
  Exporter exporter{rib};
  Listener add(const RibPeer& peer) {
    Listener listener{.id = rib.add_peer(peer), .facts = peer.facts};
    exporter.add(listener.id, rules_for(peer));
    return listener;
  }
};

RibPeer client_peer(std::uint8_t number) {
  auto peer = internal_peer(number);
  peer.reflect_client = true;
  return peer;
}

constexpr auto kPrefix = "2001:db8::/64";

TEST(Exporter, RoutesGoToWhomTheStandardsSay) {  // RFC 4271 section 9.2, RFC 4456 section 6
  enum class From : std::uint8_t { kLocal, kExternal, kClient, kNonClient };
  struct Row {
    std::string name;
    From from;
    bool external, client, non_client;  // who hears of it
  };
  const std::vector<Row> rows = {
      {"own routes", From::kLocal, true, true, true},
      {"eBGP routes", From::kExternal, true, true, true},
      {"of a client: reflected to clients and non-clients", From::kClient, true, true, true},
      {"of a non-client: reflected to clients only", From::kNonClient, true, true, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Lab lab;
    auto external = lab.add(external_peer(1, 65001));
    auto client = lab.add(client_peer(2));
    auto non_client = lab.add(internal_peer(3));
    if (row.from == From::kLocal) {
      lab.rib.announce(kIpv6Unicast, key_of(kPrefix), attributes_of(),
                       NextHop{.address = address_of("fd00::100")});
    } else {
      const auto source = lab.rib.add_peer(row.from == From::kExternal ? external_peer(9, 65009)
                                           : row.from == From::kClient ? client_peer(9)
                                                                       : internal_peer(9));
      feed(lab.rib, source,
           announcement({kPrefix}, attributes_of(row.from == From::kExternal
                                                     ? std::vector<std::uint32_t>{65009}
                                                     : std::vector<std::uint32_t>{})));
    }
    for (auto* listener : {&external, &client, &non_client}) listener->listen(lab.exporter);
    EXPECT_EQ(external.routes.size(), row.external ? 1U : 0U);
    EXPECT_EQ(client.routes.size(), row.client ? 1U : 0U);
    EXPECT_EQ(non_client.routes.size(), row.non_client ? 1U : 0U);
  }
}

TEST(Exporter, ReflectionAddsOriginatorAndClusterAndKeepsTheRest) {  // RFC 4456 section 8
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(9));
  auto client = lab.add(client_peer(2));
  auto sent = attributes_of({65001, 65002}, 150);
  sent.med = 7;
  sent.communities = {Community{0xfc000001}};
  sent.unknown = {
      {.flags = kFlagOptional | kFlagTransitive | kFlagPartial, .type = 250, .value = {1, 2}}};
  feed(lab.rib, source, announcement({kPrefix}, sent, "fd00::77"));
  client.listen(lab.exporter);
  sent.originator_id = Ipv4Address({10, 0, 0, 9});
  sent.cluster_list = {Ipv4Address({10, 0, 0, 100})};
  EXPECT_EQ(client.routes[kPrefix], sent);
  EXPECT_EQ(client.next_hops[kPrefix], address_of("fd00::77"));

  sent.originator_id = Ipv4Address({10, 0, 0, 55});  // reflected before
  sent.cluster_list = {Ipv4Address({1, 1, 1, 1})};
  feed(lab.rib, source, announcement({kPrefix}, sent, "fd00::77"));
  client.listen(lab.exporter);
  sent.cluster_list = {Ipv4Address({10, 0, 0, 100}), Ipv4Address({1, 1, 1, 1})};
  EXPECT_EQ(client.routes[kPrefix], sent);
}

TEST(Exporter, ExternalPeersAreToldThisAsAndWhatIsForThem) {  // RFC 4271 section 5.1
  Lab lab;
  const auto source = lab.rib.add_peer(internal_peer(9));
  auto external = lab.add(external_peer(1, 65001));
  auto sent = attributes_of({65005}, 150);
  sent.med = 7;
  sent.originator_id = Ipv4Address({10, 0, 0, 55});
  sent.cluster_list = {Ipv4Address({1, 1, 1, 1})};
  feed(lab.rib, source, announcement({kPrefix}, sent));
  external.listen(lab.exporter);
  const auto& told = external.routes[kPrefix];
  EXPECT_EQ(told.as_path, as_path({64512, 65005}));
  EXPECT_FALSE(told.local_pref || told.med || told.originator_id);
  EXPECT_THAT(told.cluster_list, IsEmpty());
  EXPECT_EQ(external.next_hops[kPrefix], address_of("fd00::100"));
}

TEST(Exporter, InternalPeersAreToldThePreferenceAndOnRequestThisNextHop) {
  Lab lab;
  const auto source = lab.rib.add_peer(external_peer(9, 65009));
  auto plain = lab.add(internal_peer(1));
  Listener self{.id = lab.rib.add_peer(internal_peer(2))};
  auto rules = rules_for(internal_peer(2));
  rules.next_hop_self = true;
  lab.exporter.add(self.id, rules);
  auto sent = attributes_of({65009});
  sent.local_pref.reset();
  feed(lab.rib, source, announcement({kPrefix}, sent, "fd00::9", {.internal = false}));
  plain.listen(lab.exporter);
  self.listen(lab.exporter);
  EXPECT_EQ(plain.routes[kPrefix].local_pref, 100U);
  EXPECT_EQ(plain.routes[kPrefix].as_path, as_path({65009}));
  EXPECT_EQ(plain.next_hops[kPrefix], address_of("fd00::9"));
  EXPECT_EQ(self.next_hops[kPrefix], address_of("fd00::100"));
}

TEST(Exporter, WellKnownCommunitiesHoldRoutesBack) {  // RFC 1997
  struct Row {
    Community community;
    bool external, internal;
  };
  for (const auto& row : std::vector<Row>{{kNoExport, false, true},
                                          {kNoExportSubconfed, false, true},
                                          {kNoAdvertise, false, false},
                                          {kNoPeer, true, true}}) {
    SCOPED_TRACE(to_string(row.community));
    Lab lab;
    const auto source = lab.rib.add_peer(client_peer(9));
    auto external = lab.add(external_peer(1, 65001));
    auto client = lab.add(client_peer(2));
    auto sent = attributes_of();
    feed(lab.rib, source, announcement({kPrefix}, sent));
    external.listen(lab.exporter);
    client.listen(lab.exporter);
    sent.communities = {row.community};
    feed(lab.rib, source, announcement({kPrefix}, sent));
    external.listen(lab.exporter);
    client.listen(lab.exporter);
    EXPECT_EQ(external.routes.size(), row.external ? 1U : 0U) << "else it is withdrawn";
    EXPECT_EQ(client.routes.size(), row.internal ? 1U : 0U);
  }
}

TEST(Exporter, APeerIsNotToldItsOwnRouteAndLosesAnothersThatItsOwnReplaces) {
  Lab lab;
  auto one = lab.add(client_peer(1));
  auto two = lab.add(client_peer(2));
  auto three = lab.add(client_peer(3));
  const auto all_listen = [&] {
    for (auto* listener : {&one, &two, &three}) listener->listen(lab.exporter);
  };
  all_listen();
  for (auto* listener : {&one, &two, &three})
    EXPECT_THAT(listener->taken_log(), ElementsAre("end of rib"));
  feed(lab.rib, one.id, announcement({kPrefix}, attributes_of({}, 100), "fd00::51"));
  all_listen();
  EXPECT_THAT(one.taken_log(), IsEmpty());
  EXPECT_THAT(two.taken_log(), ElementsAre("+ 2001:db8::/64"));
  feed(lab.rib, two.id, announcement({kPrefix}, attributes_of({}, 200), "fd00::52"));
  all_listen();
  EXPECT_THAT(one.taken_log(), ElementsAre("+ 2001:db8::/64"));
  EXPECT_THAT(two.taken_log(), ElementsAre("- 2001:db8::/64"));
  feed(lab.rib, two.id, announcement({kPrefix}, attributes_of({}, 201), "fd00::52"));
  all_listen();
  EXPECT_THAT(two.taken_log(), IsEmpty()) << "still its own";
  feed(lab.rib, two.id, withdrawal({kPrefix}));
  all_listen();
  EXPECT_THAT(two.taken_log(), ElementsAre("+ 2001:db8::/64"));
  EXPECT_THAT(one.routes, IsEmpty());
  feed(lab.rib, one.id, withdrawal({kPrefix}));
  all_listen();
  EXPECT_THAT(two.routes, IsEmpty());
  EXPECT_THAT(three.routes, IsEmpty());
}

TEST(Exporter, NoPeerIsToldOfItselfAsNextHop) {  // RFC 4271 section 5.1.3
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(9));
  auto one = lab.add(client_peer(1));
  auto two = lab.add(client_peer(2));
  feed(lab.rib, source, announcement({kPrefix}, attributes_of(), "fd00::1"));
  one.listen(lab.exporter);
  two.listen(lab.exporter);
  EXPECT_THAT(one.routes, IsEmpty());
  EXPECT_EQ(two.routes.size(), 1U);
}

std::vector<std::string> many(int count) {
  std::vector<std::string> prefixes;
  for (int i = 0; i < count; ++i) {
    prefixes.push_back(fmt::format("2001:db8:{:x}::/48", i + 1));
  }
  return prefixes;
}

TEST(Exporter, TenClientsCostOneEncoding) {
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  std::vector<Listener> clients;
  for (std::uint8_t i = 1; i <= 10; ++i) clients.push_back(lab.add(client_peer(i)));
  const auto prefixes = many(1000);
  for (const auto& prefix : prefixes) {
    feed(lab.rib, source, announcement({prefix}, attributes_of()));
  }
  for (auto& client : clients) client.listen(lab.exporter);
  EXPECT_EQ(lab.exporter.groups(), 1U);
  EXPECT_EQ(lab.exporter.bytes_encoded(), clients[0].bytes);
  for (const auto& client : clients) {
    EXPECT_EQ(client.routes.size(), 1000U);
    EXPECT_LE(client.messages, 4U) << "1,000 prefixes of 7 bytes are packed";
    EXPECT_EQ(client.log.back(), "end of rib");
  }
}

TEST(Exporter, ALatecomerIsToldAllAndThenJoinsTheOthers) {
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  auto early = lab.add(client_peer(1));
  feed(lab.rib, source, announcement(many(100), attributes_of()));
  early.listen(lab.exporter);
  auto late = lab.add(client_peer(2));
  EXPECT_EQ(lab.exporter.groups(), 2U);
  late.listen(lab.exporter);
  EXPECT_EQ(late.routes, early.routes);
  EXPECT_EQ(lab.exporter.next(late.id, kIpv6Unicast), nullptr);
  EXPECT_EQ(lab.exporter.groups(), 1U);
  feed(lab.rib, source, withdrawal(many(50)));
  early.listen(lab.exporter);
  late.listen(lab.exporter);
  EXPECT_EQ(late.routes.size(), 50U);
  EXPECT_EQ(late.routes, early.routes);
}

TEST(Exporter, ASlowPeerNeitherHoldsTheOthersUpNorLetsTheLogGrow) {
  Rib rib{test_config()};
  Exporter exporter(rib, {.batch = 100, .backlog = 10000});
  const auto source = rib.add_peer(client_peer(99));
  Listener quick{.id = rib.add_peer(client_peer(1))};
  Listener slow{.id = rib.add_peer(client_peer(2))};
  for (const auto* listener : {&quick, &slow})
    exporter.add(listener->id, rules_for(client_peer(1)));
  for (std::uint32_t round = 0; round < 30; ++round) {
    feed(rib, source, announcement(many(300), attributes_of({65001 + round})));
    quick.listen(exporter);
    EXPECT_EQ(quick.routes.size(), 300U);
  }
  EXPECT_EQ(exporter.groups(), 2U);
  slow.listen(exporter);
  EXPECT_EQ(slow.routes, quick.routes);
  EXPECT_LT(slow.log.size() * 3, quick.log.size()) << "it is told the last state, not all between";
  EXPECT_EQ(exporter.next(slow.id, kIpv6Unicast), nullptr);
  EXPECT_EQ(exporter.groups(), 1U);
}

TEST(Exporter, ARefreshTellsAllAgainBetweenItsMarks) {  // RFC 2918, RFC 7313
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  auto one = lab.add(client_peer(1));
  auto two = lab.add(client_peer(2));
  feed(lab.rib, source, announcement({kPrefix}, attributes_of()));
  one.listen(lab.exporter);
  two.listen(lab.exporter);
  one.log.clear();
  two.log.clear();
  lab.exporter.refresh(one.id, kIpv6Unicast, true);
  one.listen(lab.exporter);
  two.listen(lab.exporter);
  EXPECT_THAT(one.taken_log(), ElementsAre("begin", "+ 2001:db8::/64", "end"));
  EXPECT_THAT(two.taken_log(), IsEmpty());
  lab.exporter.refresh(one.id, kIpv6Unicast, false);
  one.listen(lab.exporter);
  EXPECT_THAT(one.taken_log(), ElementsAre("+ 2001:db8::/64"));
}

TEST(Exporter, ARefreshDuringTheFirstWalkLetsThatEndFirst) {  // RFC 7313 section 4
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  feed(lab.rib, source, announcement({kPrefix}, attributes_of()));
  auto one = lab.add(client_peer(1));
  lab.exporter.refresh(one.id, kIpv6Unicast, true);
  one.listen(lab.exporter);
  EXPECT_THAT(one.taken_log(),
              ElementsAre("+ 2001:db8::/64", "end of rib", "begin", "+ 2001:db8::/64", "end"));
}

TEST(Exporter, NewRulesWithdrawWhatTheyNoLongerAllow) {
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  auto one = lab.add(client_peer(1));
  feed(lab.rib, source, announcement({kPrefix, "fd00:1::/64"}, attributes_of()));
  one.listen(lab.exporter);
  EXPECT_EQ(one.routes.size(), 2U);
  auto filter = std::make_shared<RouteFilter>();
  filter->rules = {{.accept = false, .within = prefix_of("fd00::/8"), .max_length = 128}};
  auto rules = rules_for(client_peer(1));
  rules.filter = filter;
  lab.exporter.change(one.id, rules);
  one.listen(lab.exporter);
  EXPECT_EQ(one.routes.size(), 1U);
  EXPECT_TRUE(one.routes.contains(kPrefix));
  lab.exporter.change(one.id, rules_for(client_peer(1)));
  one.listen(lab.exporter);
  EXPECT_EQ(one.routes.size(), 2U);
}

TEST(Exporter, AttributesTooLargeForAMessageAreNotAnnounced) {  // RFC 8654 section 4
  Lab lab;
  const auto source = lab.rib.add_peer(client_peer(99));
  auto one = lab.add(client_peer(1));
  feed(lab.rib, source, announcement({kPrefix}, attributes_of()));
  one.listen(lab.exporter);
  EXPECT_EQ(one.routes.size(), 1U);
  auto large = attributes_of();
  large.unknown = {{.flags = kFlagOptional | kFlagTransitive | kFlagPartial,
                    .type = 250,
                    .value = std::vector<std::uint8_t>(5000)}};
  std::vector<std::uint8_t> bytes;
  UpdateWriter writer(bytes, kIpv6Unicast, kMaxExtendedMessage);
  ASSERT_TRUE(
      writer.begin(encode_attributes(large, {}), NextHop{.address = address_of("fd00::5")}));
  writer.announce(PrefixNlri::of(prefix_of(kPrefix)));
  writer.finish();
  feed(lab.rib, source, bytes);
  one.listen(lab.exporter);
  EXPECT_THAT(one.routes, IsEmpty()) << "what it was told before is not true any more";
}

TEST(Exporter, WhateverThePeersReadWhenTheyEndWithWhatIsBest) {
  std::mt19937 random(5);
  const auto below = [&](std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
  };
  Rib rib{test_config()};
  Exporter exporter(rib, {.batch = 7, .backlog = 2000});
  std::vector<Listener> listeners;
  const auto config_of = [](std::size_t i) {
    return client_peer(static_cast<std::uint8_t>(i + 1));
  };
  for (std::size_t i = 0; i < 5; ++i) {
    listeners.push_back({.id = rib.add_peer(config_of(i))});
    exporter.add(listeners[i].id, rules_for(config_of(i)));
  }
  const auto prefixes = many(40);
  for (int i = 0; i < 4000; ++i) {
    auto& listener = listeners[below(5)];
    const auto& prefix = prefixes[below(40)];
    const auto action = below(200);
    if (action == 0) {  // the session ends and comes back
      const auto number = static_cast<std::size_t>(&listener - listeners.data());
      exporter.remove(listener.id, kIpv6Unicast);
      rib.drop(listener.id);
      listener.routes.clear();
      exporter.add(listener.id, rules_for(config_of(number)));
    } else if (action == 1) {
      exporter.refresh(listener.id, kIpv6Unicast, below(2) == 0);
    } else if (action < 60) {
      listener.listen(exporter, below(4));
    } else if (action < 80) {
      rib.step(below(20));
    } else if (action < 120) {
      feed(rib, listener.id, withdrawal({prefix}));
    } else {
      feed(rib, listener.id,
           announcement({prefix}, attributes_of({}, 100 + below(3)), "fd00::5:5"));
    }
  }
  while (rib.step(1000)) {
  }
  for (auto& listener : listeners) listener.listen(exporter);
  for (auto& listener : listeners) {
    for (const auto& prefix : prefixes) {
      const auto best = best_peer(rib, prefix);
      EXPECT_EQ(listener.routes.contains(prefix), best && *best != listener.id)
          << prefix << " at peer " << static_cast<int>(listener.id);
    }
  }
  for (auto& listener : listeners) EXPECT_EQ(exporter.next(listener.id, kIpv6Unicast), nullptr);
  EXPECT_EQ(exporter.groups(), 1U);
}

}  // namespace
}  // namespace sextant::bgp
