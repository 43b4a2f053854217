#include "bgp/wire/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "bgp/wire/hex_test.h"
#include "bgp/wire/odd_updates_test.h"
#include "bgp/wire/open.h"

namespace sextant::bgp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr RouteKind kUnicast{kIpv6Unicast, false};
constexpr SessionFacts kModern{};

DecodedAttributes decode(const std::string& block, const SessionFacts& facts = kModern,
                         const RouteKind& kind = kUnicast) {
  return decode_attributes(hex(block), facts, kind);
}

using Segments = std::vector<AsSegment>;
using Type = AsSegment::Type;

// Every attribute, in the order of type codes; RFC 4271 section 4.3.
const std::string kEverything =
    "40 01 01 02"                                      // ORIGIN incomplete
    "40 02 10 02 02 0000fc00 fa56ea01 01 01 0000fc02"  // AS_PATH 64512 4200000001 {64514}
    "80 04 04 0000000a"                                // MULTI_EXIT_DISC 10
    "40 05 04 000000c8"                                // LOCAL_PREF 200
    "40 06 00"                                         // ATOMIC_AGGREGATE
    "c0 07 08 fa56ea01 0a000009"                       // AGGREGATOR
    "e0 08 08 ffffff01 fc000064"                       // COMMUNITIES, partial
    "80 09 04 0a000001"                                // ORIGINATOR_ID
    "80 0a 08 0a000002 0a000003"                       // CLUSTER_LIST
    "c0 10 10 030b 4000 0000005e 0002 fc00 00000007"   // color 94 with CO 01, route target
    "e0 16 03 000102"                                  // 22, unknown: partial already
    "c0 17 04 0008 0000"                               // TUNNEL_ENCAPSULATION: VXLAN
    "c0 20 0c 0000fc00 00000001 00000002"              // LARGE_COMMUNITY
    "c0 28 0a 01 0007 00 0000 0000002a"                // PREFIX_SID: label index 42
    "e0 63 00";                                        // 99, unknown, of no bytes

TEST(Attributes, AreReadWithTheirMeaning) {
  const auto decoded = decode(kEverything);
  EXPECT_EQ(decoded.judgement.reasons(), "");
  const auto& attributes = decoded.attributes;
  EXPECT_EQ(attributes.origin, Origin::kIncomplete);
  EXPECT_EQ(attributes.as_path,
            (AsPath{Segments{{Type::kSequence, {64512, 4200000001}}, {Type::kSet, {64514}}}}));
  EXPECT_EQ(attributes.as_path.to_string(), "64512 4200000001 {64514}");
  EXPECT_EQ(attributes.med, 10U);
  EXPECT_EQ(attributes.local_pref, 200U);
  EXPECT_TRUE(attributes.atomic_aggregate);
  EXPECT_EQ(attributes.aggregator, (Aggregator{4200000001, Ipv4Address({10, 0, 0, 9})}));
  EXPECT_THAT(attributes.communities, ElementsAre(kNoExport, Community{0xfc000064}));
  EXPECT_EQ(attributes.originator_id, Ipv4Address({10, 0, 0, 1}));
  EXPECT_THAT(attributes.cluster_list,
              ElementsAre(Ipv4Address({10, 0, 0, 2}), Ipv4Address({10, 0, 0, 3})));
  EXPECT_EQ(attributes.color(), (ColorCommunity{{94}, ColorOnly::kNullEndpoint}));
  EXPECT_THAT(attributes.large_communities, ElementsAre(LargeCommunity{64512, 1, 2}));
  EXPECT_THAT(attributes.unknown,
              ElementsAre(UnknownAttribute{0xe0, 22, {0, 1, 2}}, UnknownAttribute{0xe0, 99, {}}));
  EXPECT_EQ(attributes.next_hop, std::nullopt);
}

TEST(Attributes, GoOutAsTheyCame) {
  EXPECT_EQ(to_hex(encode_attributes(decode(kEverything).attributes, kModern)),
            to_hex(hex(kEverything)));
}

// RFC 4271 section 5: any order comes in, ascending order goes out.
TEST(Attributes, OfAnyOrderAreEqual) {
  const auto in_order = decode(odd::kBase + "80 04 04 0000000a c0 63 01 01 c0 16 01 02");
  const auto shuffled = decode("c0 16 01 02 c0 63 01 01 80 04 04 0000000a" + odd::kLocalPref +
                               odd::kAsPath + odd::kOrigin);
  EXPECT_EQ(in_order.attributes, shuffled.attributes);
}

// RFC 4271 section 9
TEST(Attributes, UnknownOnesBecomePartialOrDisappear) {
  const auto decoded = decode(odd::kBase + "c0 63 02 0102 80 64 01 00");
  EXPECT_THAT(decoded.attributes.unknown, ElementsAre(UnknownAttribute{0xe0, 99, {1, 2}}));
}

TEST(Attributes, LongValuesTakeTheExtendedLength) {
  Attributes attributes;
  attributes.origin = Origin::kIgp;
  attributes.local_pref = 100;
  attributes.communities.assign(64, kNoAdvertise);
  attributes.unknown = {{0xe0, 99, std::vector<std::uint8_t>(300, 7)}};
  const auto block = encode_attributes(attributes, kModern);
  EXPECT_EQ(to_hex(std::span(block).subspan(14, 4)), "d0080100");
  const auto decoded = decode_attributes(block, kModern, kUnicast);
  EXPECT_EQ(decoded.judgement.reasons(), "");
  EXPECT_EQ(decoded.attributes, attributes);
}

// RFC 7606 section 2: the rest stands.
TEST(Attributes, DiscardedOnesAreLeftOut) {
  const auto decoded = decode(odd::kBase + "40 06 01 00 c0 07 04 0000fc00 c0 28 01 05 40 01 01 02");
  EXPECT_EQ(decoded.judgement.verdict(), Verdict::kAttributeDiscard);
  EXPECT_EQ(decoded.judgement.faults().size(), 4U);
  EXPECT_EQ(decoded.attributes, decode(odd::kBase).attributes);
  const auto external = decode(odd::kBase + "80 09 04 0a000001 80 0a 04 0a000002", odd::kExternal);
  EXPECT_EQ(external.attributes.local_pref, std::nullopt);
  EXPECT_EQ(external.attributes.originator_id, std::nullopt);
  EXPECT_THAT(external.attributes.cluster_list, IsEmpty());
}

// The reason is kept for each of the routes: a long message must not make it long.
TEST(Attributes, ThousandsOfFaultsHaveAShortReason) {
  auto block = hex(odd::kBase);
  const auto again = hex(odd::kOrigin);
  for (int i = 0; i < 10000; ++i) block.insert(block.end(), again.begin(), again.end());
  const auto worst = hex("c0 08 05 0000000000");
  block.insert(block.end(), worst.begin(), worst.end());
  const auto judged = decode_attributes(block, kModern, kUnicast).judgement;
  EXPECT_EQ(judged.verdict(), Verdict::kTreatAsWithdraw);
  EXPECT_EQ(judged.count(), 10001U);
  const auto reasons = judged.reasons();
  EXPECT_EQ(reasons.find("COMMUNITIES: its length is 5"), 0U) << reasons;
  EXPECT_THAT(reasons, testing::EndsWith("; and 9984 more"));
  EXPECT_LT(reasons.size(), 2000U);
}

TEST(Attributes, FaultsSayWhatTheNotificationWouldCarry) {
  const auto origin = decode("40 01 01 07" + odd::kAsPath + odd::kLocalPref);
  EXPECT_EQ(origin.judgement.notification(),
            notification(UpdateError::kInvalidOrigin, hex("40 01 01 07")));
  EXPECT_EQ(origin.judgement.reasons(), "ORIGIN: 7 is no origin (RFC 7606 section 7.1)");
  const auto missing = decode(odd::kAsPath + odd::kLocalPref);
  EXPECT_EQ(missing.judgement.notification(),
            notification(UpdateError::kMissingWellKnown, hex("01")));
  const auto worst = decode(odd::kBase + "40 06 01 00 40 63 01 01");
  EXPECT_EQ(worst.judgement.notification(),
            notification(UpdateError::kUnrecognizedWellKnown, hex("40 63 01 01")));
}

// RFC 8092 section 3
TEST(Attributes, LargeCommunitiesCountOnce) {
  const auto decoded = decode(odd::kBase + "c0 20 24 0000fc00 00000009 00000002 " +
                              "0000fc00 00000001 00000002 0000fc00 00000009 00000002");
  EXPECT_EQ(decoded.judgement.reasons(), "");
  EXPECT_THAT(
      decoded.attributes.large_communities,
      testing::UnorderedElementsAre(LargeCommunity{64512, 9, 2}, LargeCommunity{64512, 1, 2}));
}

// RFC 9012 section 8, RFC 9256 section 8.4.1
TEST(Attributes, HighestColorCounts) {
  const auto decoded =
      decode(odd::kBase + "c0 10 18 030b 0000 00000007 030b 8000 0000005e 030b 0000 00000009");
  EXPECT_EQ(decoded.attributes.color(), (ColorCommunity{{94}, ColorOnly::kAnyEndpoint}));
  EXPECT_EQ(decode(odd::kBase).attributes.color(), std::nullopt);
}

AsPath sequence(std::vector<std::uint32_t> asns) {
  return {Segments{{Type::kSequence, std::move(asns)}}};
}

// RFC 6793 section 4.2.3
TEST(OldSpeaker, PathIsMergedWithAs4Path) {
  struct Row {
    const char* name;
    AsPath path;
    AsPath as4;
    AsPath expected;
  };
  const Row rows[] = {
      {"of the same length", sequence({kAsTrans, kAsTrans}), sequence({70000, 70001}),
       sequence({70000, 70001})},
      {"an old speaker in front", sequence({100, kAsTrans, kAsTrans}), sequence({70000, 70001}),
       sequence({100, 70000, 70001})},
      {"AS4_PATH is longer: ignored", sequence({kAsTrans}), sequence({70000, 70001}),
       sequence({kAsTrans})},
      {"a set in front counts one",
       {Segments{{Type::kSet, {1, 2, 3}}, {Type::kSequence, {kAsTrans}}}},
       sequence({70000}),
       {Segments{{Type::kSet, {1, 2, 3}}, {Type::kSequence, {70000}}}}},
      {"confederation segments in front stay",
       {Segments{{Type::kConfedSequence, {65001}}, {Type::kSequence, {kAsTrans}}}},
       sequence({70000}),
       {Segments{{Type::kConfedSequence, {65001}}, {Type::kSequence, {70000}}}}},
      {"confederation segments of AS4_PATH do not count",
       sequence({kAsTrans}),
       {Segments{{Type::kConfedSequence, {65001}}, {Type::kSequence, {70000}}}},
       sequence({70000})},
  };
  for (const auto& row : rows)
    EXPECT_EQ(merge_as4_path(row.path, row.as4), row.expected) << row.name;
}

TEST(OldSpeaker, GetsWhatItCanReadAndTheRestBeside) {
  Attributes attributes;
  attributes.origin = Origin::kIgp;
  attributes.local_pref = 100;
  attributes.as_path = sequence({64512, 4200000001});
  attributes.aggregator = Aggregator{4200000001, Ipv4Address({10, 0, 0, 9})};
  const auto block = encode_attributes(attributes, odd::kTwoOctets);
  EXPECT_EQ(to_hex(block), to_hex(hex("40 01 01 00"
                                      "40 02 06 02 02 fc00 5ba0"
                                      "40 05 04 00000064"
                                      "c0 07 06 5ba0 0a000009"
                                      "c0 11 0a 02 02 0000fc00 fa56ea01"
                                      "c0 12 08 fa56ea01 0a000009")));
  EXPECT_EQ(decode_attributes(block, odd::kTwoOctets, kUnicast).attributes, attributes);
}

TEST(OldSpeaker, WithAnAggregatorOfItsOwnOverridesAs4Path) {
  const auto decoded = decode(odd::kOrigin + odd::kLocalPref +
                                  "40 02 04 02 01 5ba0 c0 07 06 fc00 0a000009"
                                  "c0 11 06 02 01 fa56ea01 c0 12 08 fa56ea01 0a000009",
                              odd::kTwoOctets);
  EXPECT_EQ(decoded.attributes.as_path, sequence({kAsTrans}));
  EXPECT_EQ(decoded.attributes.aggregator->asn, 64512U);
}

// Longer than any attribute once each number has four bytes: its length field would wrap.
TEST(OldSpeaker, PathThatFitsNoAttributeIsNotTaken) {
  const auto path_of = [](std::size_t segments) {
    std::vector<std::uint8_t> value;
    for (std::size_t i = 0; i < segments; ++i) {
      value.insert(value.end(), {2, 255});
      for (int number = 0; number < 255; ++number) value.insert(value.end(), {0xfc, 0x00});
    }
    auto block = hex(odd::kOrigin + odd::kLocalPref);
    block.insert(block.end(), {0x50, 2, static_cast<std::uint8_t>(value.size() >> 8),
                               static_cast<std::uint8_t>(value.size())});
    block.insert(block.end(), value.begin(), value.end());
    return decode_attributes(block, odd::kTwoOctets, kUnicast);
  };
  const auto most = path_of(64);  // 64 * 1022 bytes
  EXPECT_EQ(most.judgement.reasons(), "");
  const auto kept =
      decode_attributes(encode_attributes(most.attributes, kModern), kModern, kUnicast);
  EXPECT_EQ(kept.attributes, most.attributes);
  const auto more = path_of(65);
  EXPECT_EQ(more.judgement.verdict(), Verdict::kTreatAsWithdraw);
  EXPECT_THAT(more.judgement.reasons(), testing::HasSubstr("AS_PATH: its numbers do not fit"));
}

TEST(AsPath, LengthCountsSetsOnceAndConfederationsNever) {
  const AsPath path{Segments{{Type::kConfedSequence, {65001, 65002}},
                             {Type::kSequence, {1, 2, 3}},
                             {Type::kSet, {4, 5}},
                             {Type::kConfedSet, {65003}}}};
  EXPECT_EQ(path.length(), 4U);
  EXPECT_EQ(path.neighbor(), 1U);
  EXPECT_TRUE(path.contains(65002));
  EXPECT_FALSE(path.contains(6));
  EXPECT_EQ(path.to_string(), "(65001 65002) 1 2 3 {4 5} [65003]");
  EXPECT_EQ(AsPath{}.neighbor(), std::nullopt);
  EXPECT_EQ((AsPath{Segments{{Type::kSet, {4}}}}).neighbor(), std::nullopt);
}

TEST(AsPath, LongSequencesAreSplit) {
  AsPath path;
  for (std::uint32_t asn = 1; asn <= 300; ++asn) path.prepend(asn);
  EXPECT_EQ(path.length(), 300U);
  EXPECT_EQ(path.neighbor(), 300U);
  ByteWriter joined;
  encode(AsPath{Segments{{Type::kSequence, std::vector<std::uint32_t>(300, 7)}}}, true, joined);
  const auto decoded = decode_as_path(joined.bytes(), true);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->length(), 300U);
  EXPECT_EQ(decoded->segments.size(), 2U);
}

TEST(Community, TextReadsBack) {
  for (const auto community : {kNoExport, kNoAdvertise, Community{0xfc000064}, Community{0}}) {
    EXPECT_EQ(community_of(to_string(community)), community);
  }
  EXPECT_EQ(to_string(Community{0xfc000064}), "64512:100");
  for (const char* bad : {"", "1", "1:", ":1", "65536:1", "1:2:3", "1:2 ", "-1:2", "no-such"}) {
    EXPECT_EQ(community_of(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(large_community_of("4294967295:0:7"), (LargeCommunity{4294967295, 0, 7}));
  EXPECT_EQ(large_community_of("4294967296:0:7"), std::nullopt);
  EXPECT_EQ(to_string(LargeCommunity{1, 2, 3}), "1:2:3");
}

TEST(Community, ExtendedOnesAreMadeAndNamed) {
  const auto color = ExtendedCommunity::of({{94}, ColorOnly::kAnyEndpoint});
  EXPECT_EQ(to_hex(color.bytes), to_hex(hex("030b 8000 0000005e")));
  EXPECT_EQ(to_string(color), "color:10:94");
  const auto target = ExtendedCommunity::route_target(Ipv4Address({10, 0, 0, 1}), 7);
  EXPECT_EQ(to_hex(target.bytes), to_hex(hex("0102 0a000001 0007")));
  EXPECT_EQ(target.target_address(), Ipv4Address({10, 0, 0, 1}));
  EXPECT_EQ(to_string(target), "rt:10.0.0.1:7");
  EXPECT_EQ(to_string(ExtendedCommunity::route_target(64512, 7)), "rt:64512:7");
  EXPECT_EQ(to_hex(ExtendedCommunity::route_target(4200000001, 7).bytes),
            to_hex(hex("0202 fa56ea01 0007")));
  EXPECT_FALSE(color.is_route_target());
  EXPECT_EQ(to_string(ExtendedCommunity{{0x43, 1, 2, 3, 4, 5, 6, 7}}), "0x4301020304050607");
  EXPECT_FALSE((ExtendedCommunity{{0x43, 1, 2, 3, 4, 5, 6, 7}}).transitive());
}

// What was decoded, encodes to something that decodes to the same, whatever came.
TEST(Attributes, EncodingIsStable) {
  std::mt19937 random(20);
  const auto whole = hex(kEverything);
  for (int round = 0; round < 20000; ++round) {
    auto block = whole;
    for (int changes = 0; changes < 1 + round % 4; ++changes) {
      block[random() % block.size()] = static_cast<std::uint8_t>(random());
    }
    for (const auto& facts : {kModern, odd::kTwoOctets}) {
      const auto first = decode_attributes(block, facts, kUnicast);
      if (first.judgement.verdict() > Verdict::kAttributeDiscard) continue;
      const auto encoded = encode_attributes(first.attributes, facts);
      const auto second = decode_attributes(encoded, facts, kUnicast);
      ASSERT_EQ(second.judgement.reasons(), "") << to_hex(block);
      ASSERT_EQ(second.attributes, first.attributes) << to_hex(block);
      ASSERT_EQ(encode_attributes(second.attributes, facts), encoded) << to_hex(block);
    }
  }
}

}  // namespace
}  // namespace sextant::bgp
