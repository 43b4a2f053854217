#include "bgp/wire/update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/hex_test.h"
#include "bgp/wire/message.h"
#include "bgp/wire/odd_updates_test.h"
#include "bgp/wire/update_writer.h"

namespace sextant::bgp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpPrefix prefix(const char* text) { return *IpPrefix::parse(text); }
PrefixNlri nlri(const char* text) { return PrefixNlri::of(prefix(text)); }
NextHop next_hop(const char* text) { return {*IpAddress::parse(text), std::nullopt}; }

template <typename Cursor, typename Nlri>
std::vector<Nlri> read_all(Cursor cursor) {
  std::vector<Nlri> all;
  Nlri one;
  while (cursor.next(one)) all.push_back(one);
  EXPECT_TRUE(cursor.ok());
  return all;
}

std::vector<std::string> prefixes(Afi afi, std::span<const std::uint8_t> bytes) {
  std::vector<std::string> texts;
  for (const auto& each : read_all<PrefixNlriCursor, PrefixNlri>(PrefixNlriCursor(afi, bytes))) {
    texts.push_back(each.prefix(afi).to_string());
  }
  return texts;
}

// The messages of a stream, each no longer than the limit.
std::vector<UpdateView> views(std::span<const std::uint8_t> bytes, std::size_t limit) {
  std::vector<UpdateView> all;
  while (!bytes.empty()) {
    const auto message = next_message(bytes, limit);
    EXPECT_TRUE(message && *message);
    if (!message || !*message) break;
    EXPECT_EQ((*message)->type, MessageType::kUpdate);
    all.push_back(split_update((*message)->body));
    EXPECT_EQ(all.back().judgement.reasons(), "");
    bytes = bytes.subspan((*message)->size);
  }
  return all;
}

TEST(SplitUpdate, FindsEveryPart) {
  const std::string reach = odd::reach6();
  const std::string unreach = odd::unreach("0002 49", odd::kPolicy);
  const auto body = hex(odd::update(odd::kOrigin + reach + odd::kAsPath + unreach + odd::kLocalPref,
                                    "18 0a0001 00", "20 0a000001"));
  const auto view = split_update(body);
  EXPECT_EQ(view.judgement.verdict(), Verdict::kAccept);
  EXPECT_THAT(prefixes(Afi::kIpv4, view.withdrawn), ElementsAre("10.0.0.1/32"));
  EXPECT_THAT(prefixes(Afi::kIpv4, view.nlri), ElementsAre("10.0.1.0/24", "0.0.0.0/0"));
  ASSERT_TRUE(view.reach && view.unreach);
  EXPECT_EQ(view.reach->family, kIpv6Unicast);
  EXPECT_EQ(to_hex(view.reach->next_hop), to_hex(hex(odd::kNextHop6)));
  EXPECT_THAT(prefixes(Afi::kIpv6, view.reach->nlri), ElementsAre("2001:db8:1::/64"));
  EXPECT_EQ(view.unreach->family, kSrPolicyIpv6);
  std::vector<std::uint8_t> shared;
  view.shared.append_to(shared);
  EXPECT_EQ(to_hex(shared), to_hex(hex(odd::kBase)));
  EXPECT_EQ(view.shared.size(), shared.size());
  EXPECT_EQ(view.end_of_rib(), std::nullopt);
}

// Routes with the same attributes have the same key, wherever MP_REACH_NLRI stands.
TEST(SplitUpdate, SharedAttributesDoNotDependOnThePlaceOfTheRoutes) {
  for (const auto& attributes : {odd::reach6() + odd::kBase, odd::kBase + odd::reach6(),
                                 odd::kOrigin + odd::reach6() + odd::kAsPath + odd::kLocalPref}) {
    const auto body = hex(odd::update(attributes));
    std::vector<std::uint8_t> shared;
    split_update(body).shared.append_to(shared);
    EXPECT_EQ(to_hex(shared), to_hex(hex(odd::kBase)));
  }
}

// RFC 4724 section 2
TEST(SplitUpdate, KnowsTheEndOfARib) {
  for (const auto family : kFamilies) {
    const auto bytes = encode_end_of_rib(family);
    const auto all = views(bytes, kMaxMessage);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].end_of_rib(), family) << to_string(family);
  }
  EXPECT_EQ(to_hex(encode_end_of_rib(kIpv4Unicast)), repeat("ff", 16) + "00170200000000");
  const auto withdrawal = hex(odd::update(odd::unreach("0002 01", odd::kRoute6)));
  EXPECT_EQ(split_update(withdrawal).end_of_rib(), std::nullopt);
  const auto attributes = hex(odd::update(odd::unreach("0002 01", "") + odd::kOrigin));
  EXPECT_EQ(split_update(attributes).end_of_rib(), std::nullopt);
}

TEST(PrefixNlri, HostBitsAreCleared) {
  const auto bytes = hex("09 ffff 21 0a000001ff 80 20010db8000000000000000000000001 07 ff 00");
  PrefixNlriCursor cursor(Afi::kIpv6, bytes);
  PrefixNlri one;
  std::vector<std::string> texts;
  while (cursor.next(one)) texts.push_back(one.prefix(Afi::kIpv6).to_string());
  EXPECT_TRUE(cursor.ok());
  EXPECT_THAT(texts,
              ElementsAre("ff80::/9", "a00:1:8000::/33", "2001:db8::1/128", "fe00::/7", "::/0"));
}

TEST(PrefixNlri, EveryLengthReadsBack) {
  const auto all_ones = Ipv6Address(Ipv6Address::Bytes{255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                       255, 255, 255, 255, 255, 255, 255});
  std::vector<std::uint8_t> bytes;
  std::vector<PrefixNlri> expected;
  for (unsigned length = 0; length <= 128; ++length) {
    expected.push_back(PrefixNlri::of(IpPrefix(all_ones, static_cast<std::uint8_t>(length))));
    const auto before = bytes.size();
    encode(expected.back(), bytes);
    EXPECT_EQ(bytes.size() - before, encoded_size(expected.back()));
  }
  EXPECT_EQ((read_all<PrefixNlriCursor, PrefixNlri>(PrefixNlriCursor(Afi::kIpv6, bytes))),
            expected);
}

TEST(PrefixNlri, CursorEndsAtWhatItCannotRead) {
  PrefixNlri one;
  for (const char* text : {"21 0a00000000", "20 0a0000", "80"}) {
    const auto bytes = hex(text);
    PrefixNlriCursor cursor(Afi::kIpv4, bytes);
    EXPECT_FALSE(cursor.next(one)) << text;
    EXPECT_FALSE(cursor.ok()) << text;
    EXPECT_FALSE(cursor.next(one)) << text;
  }
}

TEST(VpnNlri, KeyLeavesTheLabelOut) {
  const auto bytes =
      hex("70 000641 0000 fc00 00000001 0a0001"
          "60 800000 0001 0a000001 0007 0a"
          "58 000000 0002 0000fc00 0007");
  const auto all = read_all<VpnNlriCursor, VpnNlri>(VpnNlriCursor(Afi::kIpv4, bytes));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].to_string(Afi::kIpv4), "64512:1:10.0.1.0/24");
  EXPECT_EQ(all[0].label, 0x641U);
  EXPECT_EQ(all[1].to_string(Afi::kIpv4), "10.0.0.1:7:10.0.0.0/8");
  EXPECT_EQ(all[1].label, 0x800000U);
  EXPECT_EQ(all[2].to_string(Afi::kIpv4), "64512:7:0.0.0.0/0");
  std::vector<std::uint8_t> out;
  std::size_t size = 0;
  for (const auto& each : all) {
    encode(each, out);
    size += encoded_size(each);
    EXPECT_EQ(out.size(), size);
  }
  EXPECT_EQ(to_hex(out), to_hex(bytes));
}

TEST(SrPolicyNlri, OfBothFamiliesReadsBack) {
  for (const char* endpoint : {"10.0.0.1", "fd12::1000", "0.0.0.0", "::"}) {
    const SrPolicyNlri sent{4, {94}, *IpAddress::parse(endpoint)};
    std::vector<std::uint8_t> bytes;
    encode(sent, bytes);
    EXPECT_EQ(bytes.size(), encoded_size(sent));
    const auto afi = sent.endpoint.is_v4() ? Afi::kIpv4 : Afi::kIpv6;
    EXPECT_THAT((read_all<SrPolicyNlriCursor, SrPolicyNlri>(SrPolicyNlriCursor(afi, bytes))),
                ElementsAre(sent));
  }
}

TEST(NextHop, OfEveryFormReadsBack) {
  struct Row {
    Family family;
    const char* address;
    const char* link_local;
    const char* bytes;
  };
  const std::string global = "20010db8000000000000000000000001";
  const Row rows[] = {
      {kIpv6Unicast, "2001:db8::1", "", "20010db8 00000000 00000000 00000001"},
      {kIpv6Unicast, "2001:db8::1", "fe80::1",
       "20010db8 00000000 00000000 00000001 fe800000 00000000 00000000 00000001"},
      {kIpv4Unicast, "10.0.0.1", "", "0a000001"},
      {kIpv4Unicast, "2001:db8::1", "", "20010db8 00000000 00000000 00000001"},
      {kVpnv4, "10.0.0.1", "", "0000000000000000 0a000001"},
      {kVpnv6, "2001:db8::1", "fe80::1",
       "0000000000000000 20010db8 00000000 00000000 00000001"
       "0000000000000000 fe800000 00000000 00000000 00000001"},
      {kSrPolicyIpv6, "10.0.0.1", "", "0a000001"},
  };
  for (const auto& row : rows) {
    NextHop expected = next_hop(row.address);
    if (row.link_local[0] != '\0') expected.link_local = *Ipv6Address::parse(row.link_local);
    const auto bytes = hex(row.bytes);
    EXPECT_EQ(decode_next_hop(row.family, bytes), expected);
    std::vector<std::uint8_t> out;
    encode_next_hop(row.family, expected, out);
    EXPECT_EQ(to_hex(out), to_hex(bytes));
  }
}

TEST(UpdateWriter, WritesClassicRoutesOfIpv4) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, kIpv4Unicast, kMaxMessage);
  ASSERT_TRUE(writer.begin(hex(odd::kBase), next_hop("10.0.0.1")));
  writer.announce(nlri("10.0.1.0/24"));
  writer.announce(nlri("0.0.0.0/0"));
  writer.withdraw(nlri("10.0.2.0/24"));
  writer.finish();
  const std::string attributes = odd::kOrigin + odd::kAsPath + odd::kNextHop + odd::kLocalPref;
  EXPECT_EQ(to_hex(out),
            to_hex(hex(repeat("ff", 16) + "0031 02" + odd::update(attributes, "18 0a0001 00") +
                       repeat("ff", 16) + "001b 02 0004 18 0a0002 0000")));
}

// RFC 7606 section 5.1: MP_REACH_NLRI first.
TEST(UpdateWriter, WritesMultiprotocolRoutes) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, kSrPolicyIpv6, kMaxMessage);
  ASSERT_TRUE(writer.begin(hex(odd::kBase), next_hop("2001:db8::1")));
  const SrPolicyNlri policy{4, {94}, *IpAddress::parse("fd12::1000")};
  writer.announce(policy);
  writer.withdraw(policy);
  writer.finish();
  const auto body =
      hex(odd::update("90 0e 002e 0002 49 10" + odd::kNextHop6 + "00" + odd::kPolicy + odd::kBase));
  const auto withdrawal = hex(odd::update("90 0f 001c 0002 49" + odd::kPolicy));
  EXPECT_EQ(to_hex(out), to_hex(encode_message(MessageType::kUpdate, body)) +
                             to_hex(encode_message(MessageType::kUpdate, withdrawal)));
}

TEST(UpdateWriter, TakesIpv4ThroughIpv6) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, kIpv4Unicast, kMaxMessage);
  ASSERT_TRUE(writer.begin(hex(odd::kBase), next_hop("2001:db8::1")));
  writer.announce(nlri("10.0.1.0/24"));
  writer.finish();
  const auto all = views(out, kMaxMessage);
  ASSERT_EQ(all.size(), 1U);
  ASSERT_TRUE(all[0].reach);
  EXPECT_EQ(all[0].reach->family, kIpv4Unicast);
  EXPECT_THAT(prefixes(Afi::kIpv4, all[0].reach->nlri), ElementsAre("10.0.1.0/24"));
  EXPECT_THAT(all[0].nlri, IsEmpty());
}

// Whatever the sizes: nothing is lost, no message is longer than the limit, and none could have
// taken the next one's first route.
TEST(UpdateWriter, PacksAsManyRoutesAsFit) {
  for (const auto family : {kIpv4Unicast, kIpv6Unicast}) {
    for (const auto limit : {kMaxMessage, kMaxExtendedMessage}) {
      for (const bool announce : {true, false}) {
        std::vector<std::uint8_t> out;
        UpdateWriter writer(out, family, limit);
        ASSERT_TRUE(writer.begin(hex(odd::kBase),
                                 next_hop(family == kIpv4Unicast ? "10.0.0.1" : "2001:db8::1")));
        std::vector<PrefixNlri> sent;
        for (std::uint32_t i = 0; i < 20000; ++i) {
          PrefixNlri one;
          one.bytes = {10, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 0};
          one.length = static_cast<std::uint8_t>(24 + i % 9);
          sent.push_back(one);
          announce ? writer.announce(one) : writer.withdraw(one);
        }
        writer.finish();
        std::vector<PrefixNlri> got;
        const auto all = views(out, limit);
        for (const auto& view : all) {
          const auto bytes = !announce && view.unreach ? view.unreach->nlri
                             : !announce               ? view.withdrawn
                             : view.reach              ? view.reach->nlri
                                                       : view.nlri;
          const auto some =
              read_all<PrefixNlriCursor, PrefixNlri>(PrefixNlriCursor(family.afi, bytes));
          got.insert(got.end(), some.begin(), some.end());
        }
        EXPECT_EQ(got, sent);
        EXPECT_LE(all.size(), out.size() / (limit - 6) + 1);
      }
    }
  }
}

// RFC 8654 section 4: what does not fit the peer's messages is not announced.
TEST(UpdateWriter, RefusesAttributesThatLeaveNoRoomForARoute) {
  std::vector<std::uint8_t> out;
  UpdateWriter small(out, kIpv6Unicast, kMaxMessage);
  const std::vector<std::uint8_t> block(4000);
  EXPECT_TRUE(small.begin(block, next_hop("2001:db8::1")));
  const std::vector<std::uint8_t> large(4030);
  EXPECT_FALSE(small.begin(large, next_hop("2001:db8::1")));
  UpdateWriter extended(out, kIpv6Unicast, kMaxExtendedMessage);
  EXPECT_TRUE(extended.begin(large, next_hop("2001:db8::1")));
  EXPECT_THAT(out, IsEmpty());
}

}  // namespace
}  // namespace sextant::bgp
