// Malformed and odd updates, and what becomes of each. RFC 4271 section 6.3, RFC 7606.
#include "bgp/wire/odd_updates_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/judge_test.h"

namespace sextant::bgp {
namespace {

using namespace odd;
using testing::HasSubstr;
constexpr auto kAccept = Verdict::kAccept;
constexpr auto kDiscard = Verdict::kAttributeDiscard;
constexpr auto kWithdraw = Verdict::kTreatAsWithdraw;
constexpr auto kReset = Verdict::kSessionReset;

const std::string kV4 = kBase + kNextHop;

void expect(std::span<const Row> rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto judged = judge(hex(row.body), row.facts);
    EXPECT_EQ(to_string(judged.judgement.verdict()), to_string(row.expected))
        << judged.judgement.reasons();
    if (row.expected != kAccept) {
      EXPECT_THAT(judged.judgement.reasons(), HasSubstr(row.section));
    }
  }
}

TEST(OddUpdates, Lengths) {
  const Row rows[] = {
      {"no withdrawn length", "00", kReset, "RFC 4271 section 6.3"},
      {"withdrawn routes overrun the message", "0005 18 0a0001", kReset, "RFC 4271 section 6.3"},
      {"no attribute length", "0000 00", kReset, "RFC 4271 section 6.3"},
      {"attributes overrun the message", "0000 0010" + kOrigin, kReset, "RFC 4271 section 6.3"},
      {"withdrawn /33", update("", "", "21 0a00000000"), kReset, "RFC 7606 section 5.3"},
      {"withdrawn prefix is cut short", update("", "", "18 0a00"), kReset, "RFC 7606 section 5.3"},
      {"announced /33", update(kV4, "21 0a00000000"), kReset, "RFC 7606 section 5.3"},
      {"announced prefix is cut short", update(kV4, "18 0a00"), kReset, "RFC 7606 section 5.3"},
      {"host bits in a prefix", update(kV4, "14 0affff"), kAccept, "RFC 4271 section 4.3"},
      {"default route", update(kV4, "00"), kAccept, "RFC 4271 section 4.3"},
      {"end of RIB", update(""), kAccept, "RFC 4724 section 2"},
      {"withdrawal alone", update("", "", kRoute4), kAccept, "RFC 4271 section 4.3"},
      {"one prefix announced and withdrawn", update(kV4, kRoute4, kRoute4), kAccept,
       "RFC 4271 section 4.3"},
      {"attributes without routes", update(kV4), kAccept, "RFC 4271 section 4.3"},
      {"an attribute overruns the list", v4(kV4 + "c0 08 08 00000001"), kWithdraw,
       "RFC 7606 section 4"},
      {"two bytes left in the list", v4(kV4 + "c0 08"), kWithdraw, "RFC 7606 section 4"},
      {"extended length cut short", v4(kV4 + "d0 08 00"), kWithdraw, "RFC 7606 section 4"},
      {"overrun before any route", update(kBase + "80 0e ff 0002 01"), kReset,
       "RFC 7606 sections 4, 5.2"},
      {"overrun behind an empty MP_REACH_NLRI",
       update(reach("0002 01", kNextHop6, "") + "c0 08 08 00000001"), kReset,
       "RFC 7606 sections 4, 5.2"},
      {"extended length of a short attribute",
       v4("50 01 0001 00" + kAsPath + kLocalPref + kNextHop), kAccept, "RFC 4271 section 4.3"},
  };
  expect(rows);
}

TEST(OddUpdates, OriginAndPath) {
  const std::string rest = kAsPath + kLocalPref;
  const std::string no_path = kOrigin + kLocalPref;
  const auto path = [&](const std::string& value) {
    return v6(no_path + attribute("40 02", value));
  };
  const Row rows[] = {
      {"ORIGIN 3", v6("40 01 01 03" + rest), kWithdraw, "RFC 7606 section 7.1"},
      {"ORIGIN of two bytes", v6("40 01 02 0000" + rest), kWithdraw, "length is 2"},
      {"ORIGIN of no bytes", v6("40 01 00" + rest), kWithdraw, "length is 0"},
      {"no ORIGIN", v6(rest), kWithdraw, "RFC 7606 section 3 d"},
      {"ORIGIN twice", v6(kOrigin + kBase), kDiscard, "RFC 7606 section 3 g"},
      {"ORIGIN twice, the second malformed", v6(kBase + "40 01 01 07"), kDiscard,
       "RFC 7606 section 3 g"},
      {"ORIGIN with the optional flag", v6("c0 01 01 00" + rest), kWithdraw,
       "RFC 7606 section 3 c"},
      {"ORIGIN without the transitive flag", v6("00 01 01 00" + rest), kWithdraw,
       "RFC 7606 section 3 c"},
      {"ORIGIN with the partial bit", v6("60 01 01 00" + rest), kAccept, "RFC 7606 section 3 c"},
      {"unused flag bits", v6("4f 01 01 00" + rest), kAccept, "RFC 4271 section 4.3"},
      {"no AS_PATH", v6(no_path), kWithdraw, "RFC 7606 section 3 d"},
      {"AS_PATH segment type 5", path("05 01 0000fc00"), kWithdraw, "RFC 7606 section 7.2"},
      {"AS_PATH segment type 0", path("00 01 0000fc00"), kWithdraw, "RFC 7606 section 7.2"},
      {"AS_PATH with an empty segment", path("02 00"), kWithdraw, "RFC 7606 section 7.2"},
      {"AS_PATH segment overruns", path("02 02 0000fc00"), kWithdraw, "RFC 7606 section 7.2"},
      {"AS_PATH with one byte left", path("02 01 0000fc00 02"), kWithdraw, "RFC 7606 section 7.2"},
      {"AS_PATH with AS 0", path("02 02 0000fc00 00000000"), kWithdraw, "RFC 7607 section 2"},
      {"AS_PATH with AS_TRANS", path("02 01 00005ba0"), kAccept, "RFC 6793 section 9"},
      {"AS_SET", path("01 02 0000fc00 0000fc01"), kAccept, "RFC 4271 section 4.3"},
      {"confederation from inside", path("03 01 0000fc00"), kAccept, "RFC 5065 section 5"},
      {"confederation from outside", path("03 01 0000fc00"), kWithdraw, "RFC 5065 section 5", "",
       kExternal},
      {"two-octet path where four are agreed", path("02 01 fc00"), kWithdraw,
       "RFC 7606 section 7.2"},
      {"AS4_PATH of an old speaker",
       v6(no_path + "40 02 04 02 01 5ba0" + "c0 11 06 02 01 fa56ea01"), kAccept,
       "RFC 6793 section 4.2.3", "", kTwoOctets},
      {"AS4_PATH cut short", v6(no_path + "40 02 04 02 01 5ba0" + "c0 11 04 02 01 fa56"), kDiscard,
       "RFC 6793 section 6", "", kTwoOctets},
      {"AS4_PATH with AS 0", v6(no_path + "40 02 04 02 01 5ba0" + "c0 11 06 02 01 00000000"),
       kDiscard, "RFC 6793 section 6", "", kTwoOctets},
      {"AS4_PATH with wrong flags", v6(no_path + "40 02 04 02 01 5ba0" + "40 11 00"), kDiscard,
       "RFC 7606 section 3 c", "", kTwoOctets},
      {"malformed AS4_PATH of a new speaker", v6(kBase + "c0 11 01 02"), kAccept,
       "RFC 6793 section 4.1"},
  };
  expect(rows);
}

TEST(OddUpdates, NextHopAndPreferences) {
  const Row rows[] = {
      {"no NEXT_HOP", v4(kBase), kWithdraw, "RFC 7606 section 3 d"},
      {"NEXT_HOP of five bytes", v4(kBase + "40 03 05 0a00000100"), kWithdraw,
       "RFC 7606 section 7.3"},
      {"NEXT_HOP 0.0.0.0", v4(kBase + "40 03 04 00000000"), kWithdraw, "RFC 4271 section 6.3"},
      {"NEXT_HOP 127.0.0.1", v4(kBase + "40 03 04 7f000001"), kWithdraw, "RFC 4271 section 6.3"},
      {"NEXT_HOP 224.0.0.1", v4(kBase + "40 03 04 e0000001"), kWithdraw, "RFC 4271 section 6.3"},
      {"odd NEXT_HOP beside MP_REACH_NLRI", v6(kBase + "40 03 01 00"), kAccept,
       "RFC 4760 section 3"},
      {"MULTI_EXIT_DISC of three bytes", v6(kBase + "80 04 03 000001"), kWithdraw,
       "RFC 7606 section 7"},
      {"transitive MULTI_EXIT_DISC", v6(kBase + "c0 04 04 00000001"), kWithdraw,
       "RFC 7606 section 3 c"},
      {"LOCAL_PREF of five bytes", v6(kOrigin + kAsPath + "40 05 05 0000006400"), kWithdraw,
       "RFC 7606 section 7"},
      {"no LOCAL_PREF from inside", v6(kOrigin + kAsPath), kWithdraw, "RFC 7606 section 3 d"},
      {"no LOCAL_PREF from outside", v6(kOrigin + kAsPath), kAccept, "RFC 4271 section 5.1.5", "",
       kExternal},
      {"LOCAL_PREF from outside", v6(kBase), kDiscard, "RFC 7606 sections 7.5", "", kExternal},
      {"malformed LOCAL_PREF from outside", v6(kOrigin + kAsPath + "40 05 01 00"), kDiscard,
       "RFC 7606 sections 7.5", "", kExternal},
      {"ATOMIC_AGGREGATE of one byte", v6(kBase + "40 06 01 00"), kDiscard, "RFC 7606 section 7.6"},
      {"optional ATOMIC_AGGREGATE", v6(kBase + "c0 06 00"), kWithdraw, "RFC 7606 section 3 c"},
      {"AGGREGATOR of two octets where four are agreed", v6(kBase + "c0 07 06 fc00 0a000001"),
       kDiscard, "RFC 7606 section 7.7"},
      {"AGGREGATOR of four octets where two are agreed", v6(kBase + "c0 07 08 0000fc00 0a000001"),
       kDiscard, "RFC 7606 section 7.7", "", kTwoOctets},
      {"AGGREGATOR of AS 0", v6(kBase + "c0 07 08 00000000 0a000001"), kDiscard,
       "RFC 7607 section 2"},
  };
  expect(rows);
}

TEST(OddUpdates, CommunitiesAndReflection) {
  const Row rows[] = {
      {"COMMUNITIES of no bytes", v6(kBase + "c0 08 00"), kWithdraw, "RFC 7606 section 7.8"},
      {"COMMUNITIES of five bytes", v6(kBase + "c0 08 05 0000000000"), kWithdraw,
       "RFC 7606 section 7.8"},
      {"non-transitive COMMUNITIES", v6(kBase + "80 08 04 00000001"), kWithdraw,
       "RFC 7606 section 3 c"},
      {"partial COMMUNITIES", v6(kBase + "e0 08 04 00000001"), kAccept, "RFC 4271 section 4.3"},
      {"ORIGINATOR_ID of three bytes", v6(kBase + "80 09 03 0a0000"), kWithdraw,
       "RFC 7606 section 7"},
      {"ORIGINATOR_ID from outside", v6(kOrigin + kAsPath + "80 09 04 0a000001"), kDiscard, "7.9",
       "", kExternal},
      {"CLUSTER_LIST of no bytes", v6(kBase + "80 0a 00"), kWithdraw, "RFC 7606 section 7.10"},
      {"CLUSTER_LIST of six bytes", v6(kBase + "80 0a 06 0a0000010000"), kWithdraw,
       "RFC 7606 section 7.10"},
      {"malformed CLUSTER_LIST from outside", v6(kOrigin + kAsPath + "80 0a 01 00"), kDiscard,
       "7.10", "", kExternal},
      {"EXTENDED COMMUNITIES of no bytes", v6(kBase + "c0 10 00"), kWithdraw,
       "RFC 7606 section 7.14"},
      {"EXTENDED COMMUNITIES of nine bytes", v6(kBase + "c0 10 09 030b000000000000 00"), kWithdraw,
       "RFC 7606 section 7.14"},
      {"LARGE_COMMUNITY of no bytes", v6(kBase + "c0 20 00"), kWithdraw, "RFC 7606 section 3"},
      {"LARGE_COMMUNITY of eight bytes", v6(kBase + "c0 20 08 0000000100000002"), kWithdraw,
       "RFC 7606 section 3"},
      {"unknown transitive attribute", v6(kBase + "c0 63 02 0102"), kAccept, "RFC 4271 section 9"},
      {"unknown transitive attribute of no bytes", v6(kBase + "c0 63 00"), kAccept,
       "RFC 4271 section 9"},
      {"unknown non-transitive attribute", v6(kBase + "80 63 02 0102"), kAccept,
       "RFC 4271 section 9"},
      {"unknown transitive attribute twice", v6(kBase + "c0 63 01 01 c0 63 01 02"), kDiscard,
       "RFC 7606 section 3 g"},
      {"unknown attribute that says it is well-known", v6(kBase + "40 63 01 01"), kReset,
       "RFC 4271 section 6.3"},
      {"the worst fault wins", v6(kBase + "40 06 01 00 c0 08 05 0000000000"), kWithdraw,
       "RFC 7606 section 7.8"},
  };
  expect(rows);
}

TEST(OddUpdates, MultiprotocolRoutes) {
  const auto next_hop = [](const std::string& bytes) {
    return update(reach("0002 01", bytes, kRoute6) + kBase);
  };
  const auto routes = [](const std::string& nlri) {
    return update(reach("0002 01", kNextHop6, nlri) + kBase);
  };
  const std::string multicast = "ff020000 00000000 00000000 00000001";
  const std::string unspecified = repeat("00", 16);
  const std::string distinguisher = "0000 fc00 00000001";
  const Row rows[] = {
      {"MP_REACH_NLRI twice", v6(kBase + reach6()), kReset, "RFC 7606 section 3 g"},
      {"MP_UNREACH_NLRI twice", update(unreach("0002 01", "") + unreach("0002 01", "")), kReset,
       "RFC 7606 section 3 g"},
      {"both of them", update(unreach("0002 01", "00") + reach6() + kBase), kAccept,
       "RFC 4760 section 4"},
      {"MP_REACH_NLRI last", update(kBase + reach6()), kAccept, "RFC 7606 section 5.1"},
      {"transitive MP_REACH_NLRI", update("c0" + reach6().substr(2) + kBase), kWithdraw,
       "RFC 7606 section 3 c"},
      {"transitive MP_UNREACH_NLRI", update("c0 0f 03 0002 01"), kWithdraw, "RFC 7606 section 3 c"},
      {"MP_REACH_NLRI of four bytes", update("80 0e 04 0002 01 00" + kBase), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"MP_UNREACH_NLRI of two bytes", update("80 0f 02 0002"), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"next hop of fifteen bytes", next_hop(repeat("20", 15)), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"no next hop", next_hop(""), kReset, "RFC 7606 sections 5.3, 7.11"},
      {"IPv6 through an IPv4 next hop", next_hop("0a000001"), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"global and link-local next hop",
       next_hop(kNextHop6 + "fe800000 00000000 00000000 00000001"), kAccept, "RFC 2545 section 3"},
      {"next hop ::", next_hop(unspecified), kWithdraw, "RFC 4271 section 6.3"},
      {"next hop ::1", next_hop(repeat("00", 15) + "01"), kWithdraw, "RFC 4271 section 6.3"},
      {"multicast next hop", next_hop(multicast), kWithdraw, "RFC 4271 section 6.3"},
      {"announced /129", routes("81" + repeat("20", 17)), kReset, "RFC 7606 sections 5.3, 7.11"},
      {"announced prefix is cut short", routes("40 20010db8"), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"withdrawn /129", update(unreach("0002 01", "81" + repeat("20", 17))), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"MP_REACH_NLRI without routes", routes(""), kAccept, "RFC 7606 section 5.2"},
      {"an unknown family", update(reach("0019 46", "0a000001", "ffff") + kBase), kAccept,
       "RFC 4760 section 6"},
      {"IPv4 through an IPv6 next hop", update(reach("0001 01", kNextHop6, kRoute4) + kBase),
       kAccept, "RFC 8950 section 3"},
      {"VPN route",
       update(reach("0001 80", distinguisher + "0a000001", "70 000641" + distinguisher + "0a0001") +
              kBase),
       kAccept, "RFC 4364 section 4.3"},
      {"VPN route shorter than its distinguisher",
       update(reach("0001 80", distinguisher + "0a000001", "40 000641 0000fc0000") + kBase), kReset,
       "RFC 7606 sections 5.3, 7.11"},
      {"VPN route /33",
       update(reach("0001 80", distinguisher + "0a000001",
                    "79 000641" + distinguisher + "0a00010000") +
              kBase),
       kReset, "RFC 7606 sections 5.3, 7.11"},
      {"VPN next hop without a distinguisher",
       update(reach("0001 80", "0a000001", "70 000641" + distinguisher + "0a0001") + kBase), kReset,
       "RFC 7606 sections 5.3, 7.11"},
  };
  expect(rows);
}

TEST(OddUpdates, SidsAndTunnelsOfUnicastRoutes) {
  // RFC 9252 section 3.1: reserved, SID, flags, End.DT6, reserved
  const std::string information = "00" + kSid + "00 0012 00";
  const auto service = [](const std::string& sub_tlvs) {
    return v6(kBase + attribute("c0 28", "05" + with_length(2, "00" + sub_tlvs)));
  };
  const auto structure = [&](const std::string& lengths) {
    return service("01" + with_length(2, information + "01" + with_length(2, lengths)));
  };
  const Row rows[] = {
      {"SRv6 service", service("01" + with_length(2, information)), kAccept, "RFC 9252 section 3"},
      {"Prefix-SID of no bytes", v6(kBase + "c0 28 00"), kDiscard, "RFC 8669 section 6"},
      {"Prefix-SID whose TLV overruns", v6(kBase + "c0 28 04 05 0005 00"), kDiscard,
       "RFC 8669 section 6"},
      {"unknown TLV", v6(kBase + "c0 28 05 63 0002 0102"), kAccept, "RFC 8669 section 3"},
      {"unknown sub-TLV of a service", service("63 0002 0102"), kAccept, "RFC 9252 section 2"},
      {"sub-TLV overruns the service", service("01 0050 00"), kWithdraw, "RFC 9252 section 7"},
      {"SID cut short", service("01 0005 00 fcff0006"), kWithdraw, "RFC 9252 section 7"},
      {"SID structure", structure("20 10 10 00 00 00"), kAccept, "RFC 9252 section 3.2.1"},
      {"SID structure of 129 bits", structure("40 20 20 01 00 00"), kWithdraw,
       "RFC 9252 section 7"},
      {"SID structure of five bytes", structure("20 10 10 00 00"), kWithdraw, "RFC 9252 section 7"},
      {"transposition beyond the SID", structure("20 10 10 00 10 78"), kWithdraw,
       "RFC 9252 section 7"},
      {"transposition beyond the label", structure("20 10 20 00 20 30"), kWithdraw,
       "RFC 9252 section 7"},
      {"Tunnel Encapsulation of no bytes", v6(kBase + "c0 17 00"), kWithdraw,
       "RFC 9012 section 13"},
      {"tunnel overruns the attribute", v6(kBase + "c0 17 05 0008 0004 00"), kWithdraw,
       "RFC 9012 section 13"},
      {"unknown tunnel type", v6(kBase + tunnel("63 01 00", "00ff")), kAccept,
       "RFC 9012 section 13"},
  };
  expect(rows);
}

}  // namespace
}  // namespace sextant::bgp
