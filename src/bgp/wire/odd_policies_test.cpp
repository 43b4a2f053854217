// Malformed and odd SR Policy updates, and what becomes of each. RFC 9830 sections 2, 4.2.1 and 5,
// RFC 9256 section 5.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/judge_test.h"
#include "bgp/wire/odd_updates_test.h"

namespace sextant::bgp {
namespace {

using namespace odd;
using testing::HasSubstr;
using testing::IsEmpty;
constexpr auto kAccept = Verdict::kAccept;
constexpr auto kWithdraw = Verdict::kTreatAsWithdraw;
constexpr auto kDisable = Verdict::kAfiSafiDisable;

void expect(std::span<const Row> rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto bytes = hex(row.body);
    const auto judged = judge(bytes, row.facts);
    EXPECT_EQ(to_string(judged.judgement.verdict()), to_string(row.expected))
        << judged.judgement.reasons();
    if (row.expected != kAccept) {
      EXPECT_THAT(judged.judgement.reasons(), HasSubstr(row.section));
    } else if (row.unusable[0] == '\0') {
      EXPECT_THAT(judged.unusable, IsEmpty());
    } else {
      EXPECT_THAT(judged.unusable, HasSubstr(row.unusable));
    }
    if (row.expected == kDisable) {
      EXPECT_EQ(split_update(bytes).disabled, kSrPolicyIpv6);
    }
  }
}

TEST(OddPolicies, SubTlvs) {
  const Row rows[] = {
      {"a list and nothing else", policy(kList), kAccept},
      {"no Tunnel Encapsulation", policy_with(kNoAdvertiseOnly), kWithdraw,
       "RFC 9830 section 4.2.1"},
      {"a tunnel of another type", policy_with(kNoAdvertiseOnly + tunnel(kList, "0008")), kWithdraw,
       "RFC 9830 section 5"},
      {"two tunnels of type 15", policy_with(kNoAdvertiseOnly + "c0 17 08 000f 0000 000f 0000"),
       kWithdraw, "RFC 9830 section 5"},
      {"a tunnel of another type beside it",
       policy_with(kNoAdvertiseOnly + "d0 17" +
                   with_length(2, "0008 0000 000f" + with_length(2, kList))),
       kWithdraw, "RFC 9830 section 5"},
      {"the tunnel overruns the attribute",
       policy_with(kNoAdvertiseOnly + "c0 17 06 000f 0009 0c06"), kWithdraw, "RFC 9012 section 13"},
      {"a sub-TLV overruns the tunnel", policy(kList + "0c 06 0000"), kWithdraw,
       "RFC 9830 section 5"},
      {"preference of five bytes", policy(kList + sub_tlv("0c", "00 00 000001")), kWithdraw,
       "RFC 9830 section 5"},
      {"preference twice", policy(kList + repeat(sub_tlv("0c", "00 00 00000001"), 2)), kAccept},
      {"priority of one byte", policy(kList + sub_tlv("0f", "0a")), kWithdraw,
       "RFC 9830 section 5"},
      {"priority twice", policy(kList + repeat(sub_tlv("0f", "0a 00"), 2)), kAccept},
      {"binding SID of none", policy(kList + sub_tlv("0d", "00 00")), kAccept},
      {"binding SID of a label", policy(kList + sub_tlv("0d", "00 00 03e80000")), kAccept},
      {"binding SID of ten bytes", policy(kList + sub_tlv("0d", repeat("00", 10))), kWithdraw,
       "RFC 9830 section 5"},
      {"binding SID twice", policy(kList + repeat(sub_tlv("0d", "00 00"), 2)), kAccept},
      {"several SRv6 binding SIDs", policy(kList + repeat(sub_tlv("14", "00 00" + kSid), 2)),
       kAccept},
      {"SRv6 binding SID of 17 bytes", policy(kList + sub_tlv("14", repeat("00", 17))), kWithdraw,
       "RFC 9830 section 5"},
      {"ENLP of two bytes", policy(kList + sub_tlv("0e", "00 04")), kWithdraw,
       "RFC 9830 section 5"},
      {"ENLP of no meaning", policy(kList + sub_tlv("0e", "00 00 63")), kAccept},
      {"name without its reserved byte", policy(kList + sub_tlv("81", "")), kWithdraw,
       "RFC 9830 section 5"},
      {"policy name twice", policy(kList + repeat(sub_tlv("82", "00 676f6c64"), 2)), kAccept},
      {"name of no letters", policy(kList + sub_tlv("81", "00")), kAccept},
      {"unknown sub-TLVs, one of them twice",
       policy(kList + sub_tlv("63", "0102") + sub_tlv("63", "") + sub_tlv("c8", "00")), kAccept},
  };
  expect(rows);
}

TEST(OddPolicies, SegmentLists) {
  // RFC 9830 section 2.4.4.2.4: End.DT6, structure 32/16/16/0
  const std::string structure = "0012 0000 20 10 10 00";
  const std::string type_a = sub_tlv("01", "00 00 03e80000");
  const Row rows[] = {
      {"no list", policy(sub_tlv("0c", "00 00 00000001")), kAccept, "", "no segment list"},
      {"an empty list", policy(list("")), kAccept, "", "no segments"},
      {"an empty list beside another", policy(list("") + kList), kAccept},
      {"a list without its reserved byte", policy(sub_tlv("80", "")), kWithdraw,
       "RFC 9830 section 5"},
      {"a sub-TLV overruns the list", policy(list(segment_b() + "0d 12 00")), kWithdraw,
       "RFC 9830 section 5"},
      {"weight of four bytes", policy(list(sub_tlv("09", "00000001") + segment_b())), kWithdraw,
       "RFC 9830 section 5"},
      {"two weights", policy(list(repeat(weight("00000001"), 2) + segment_b())), kAccept},
      {"weight behind the segments", policy(list(segment_b() + weight("00000001"))), kAccept},
      {"weight 0", policy(list(weight("00000000") + segment_b())), kAccept, "", "weight is 0"},
      {"weight 0 as SRv6-PI sends it", policy(list(weight("00000000") + segment_b())), kAccept, "",
       "", kCalico},
      {"type A", policy(list(type_a)), kAccept, "", "segment 1 is of type A"},
      {"type A behind type B", policy(list(segment_b() + type_a)), kAccept, "",
       "segment 2 is of type A"},
      {"a list of type A beside one of type B", policy(list(type_a) + kList), kAccept},
      {"type A of five bytes", policy(list(sub_tlv("01", "00 00 000001"))), kWithdraw,
       "RFC 9830 section 5"},
      {"type C (RFC 9831)", policy(list(sub_tlv("03", "00 00 0a000001"))), kAccept, "", "type C"},
      {"type H", policy(list(sub_tlv("08", "00 00" + kSid + kSid))), kAccept, "", "type H"},
      {"type I", policy(list(sub_tlv("0e", "00 00" + kSid))), kAccept, "", "type I"},
      {"type K", policy(list(sub_tlv("10", "00 00" + kSid + kSid))), kAccept, "", "type K"},
      {"type C of no bytes", policy(list(sub_tlv("03", ""))), kWithdraw, "RFC 9830 section 5"},
      {"type B of 17 bytes", policy(list(sub_tlv("0d", repeat("fc", 17)))), kWithdraw,
       "RFC 9830 section 5"},
      {"type B of 20 bytes", policy(list(sub_tlv("0d", "00 00" + kSid + "0012"))), kWithdraw,
       "RFC 9830 section 5"},
      {"behavior with its flag", policy(list(sub_tlv("0d", "10 00" + kSid + structure))), kAccept},
      {"behavior without its flag, as GoBGP's users send it",
       policy(list(sub_tlv("0d", "20 00" + kSid + structure))), kAccept},
      {"flag without a behavior", policy(list(sub_tlv("0d", "10 00" + kSid))), kAccept},
      {"an unknown behavior", policy(list(sub_tlv("0d", "10 00" + kSid + "fffe 0000 00000000"))),
       kAccept},
      {"SID structure of 129 bits",
       policy(list(sub_tlv("0d", "10 00" + kSid + "0012 0000 40 20 20 01"))), kWithdraw,
       "RFC 9830 section 5"},
      {"the SID ::", policy(list(segment_b(repeat("00", 16)))), kAccept, "", "::, is no SID"},
      {"a multicast SID", policy(list(segment_b("ff02" + repeat("00", 14)))), kAccept, "",
       "no SID"},
      {"127 segments", policy(list(repeat(segment_b(), 127))), kAccept},
      {"200 segments", policy(list(repeat(segment_b(), 200))), kAccept, "", "200 segments"},
      {"unknown sub-TLV in a list", policy(list(segment_b() + sub_tlv("63", "0102"))), kAccept},
  };
  expect(rows);
}

TEST(OddPolicies, Routes) {
  const std::string color_0 = "c0 00000000 00000000 fd120000 00000000 00000000 00001000 ";
  const std::string of_ipv4 = "60 00000004 0000005e 0a000001";
  const std::string body = tunnel(kList);
  const auto next_hop = [&](const std::string& bytes) {
    return update(reach("0002 49", bytes, kPolicy) + kBase + kNoAdvertiseOnly + body);
  };
  const Row rows[] = {
      {"color 0", policy(kList, color_0), kWithdraw, "RFC 9256 section 2.1"},
      {"color 0 of Calico-VPP today", policy(kList, color_0), kWithdraw, "RFC 9256 section 2.1", "",
       kCalico},
      {"color 0 of old Calico-VPP", policy(kList, color_0), kAccept, "", "", kOldCalico},
      {"the null endpoint", policy(kList, "c0 00000004 0000005e" + repeat("00", 16)), kAccept},
      {"a multicast endpoint", policy(kList, "c0 00000004 0000005e ff02" + repeat("00", 14)),
       kWithdraw, "RFC 9256 section 2.1"},
      {"for nobody", policy_with(body), kWithdraw, "RFC 9830 section 4.2.1"},
      {"for nobody, as GoBGP's users send it", policy_with(body), kAccept, "", "", kCalico},
      {"for one headend (route target)", policy_with(body + "c0 10 08 0102 0a000001 0000"),
       kAccept},
      {"route target of an AS only", policy_with(body + "c0 10 08 0002 fc00 00000001"), kWithdraw,
       "RFC 9830 section 4.2.1"},
      {"NO_EXPORT only", policy_with(body + "c0 08 04 ffffff01"), kWithdraw,
       "RFC 9830 section 4.2.1"},
      {"next hop of IPv4", next_hop("0a000001"), kAccept},
      {"next hop of five bytes", next_hop("0a00000100"), kDisable, "RFC 9830 section 5"},
      {"next hop ::", next_hop(repeat("00", 16)), kWithdraw, "RFC 4271 section 6.3"},
      {"an IPv4 endpoint between others", policy(kList, kPolicy + of_ipv4 + kPolicy),
       Verdict::kAttributeDiscard, "RFC 9830 section 5"},
      {"route of 100 bits", policy(kList, "64 00000004 0000005e 0a00000100"), kDisable,
       "RFC 9830 section 5"},
      {"route cut short", policy(kList, "c0 00000004 0000005e"), kDisable, "RFC 9830 section 5"},
      {"withdrawn route cut short", update(unreach("0002 49", "c0 00000004")), kDisable,
       "RFC 9830 section 5"},
      {"withdrawn route", update(unreach("0002 49", kPolicy)), kAccept},
      {"end of RIB", update(unreach("0002 49", "")), kAccept},
  };
  expect(rows);
}

}  // namespace
}  // namespace sextant::bgp
