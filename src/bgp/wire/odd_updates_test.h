// Updates for the tables of malformed and odd ones, field by field.
#pragma once

#include <string>

#include "bgp/wire/attributes.h"
#include "bgp/wire/hex_test.h"
#include "bgp/wire/verdict.h"

namespace sextant::bgp::odd {

// flags, type, length, value (RFC 4271 section 4.3)
inline const std::string kOrigin = "40 01 01 00 ";
inline const std::string kAsPath = "40 02 00 ";
inline const std::string kNextHop = "40 03 04 0a000001 ";
inline const std::string kLocalPref = "40 05 04 00000064 ";
inline const std::string kBase = kOrigin + kAsPath + kLocalPref;
inline const std::string kNoAdvertiseOnly = "c0 08 04 ffffff02 ";

inline const std::string kNextHop6 = "20010db8 00000000 00000000 00000001 ";
inline const std::string kRoute4 = "18 0a0001 ";             // 10.0.1.0/24
inline const std::string kRoute6 = "40 20010db8 00010000 ";  // 2001:db8:1::/64
// RFC 9830 section 2.1: 192 bits, distinguisher 4, color 94, endpoint fd12::1000
inline const std::string kPolicy = "c0 00000004 0000005e fd120000 00000000 00000000 00001000 ";
inline const std::string kSid = "fcff0006 00000000 00000000 00000001 ";

inline std::string update(const std::string& attributes, const std::string& nlri = "",
                          const std::string& withdrawn = "") {
  return with_length(2, withdrawn) + " " + with_length(2, attributes) + " " + nlri;
}
inline std::string attribute(const std::string& flags_and_type, const std::string& value) {
  return flags_and_type + " " + with_length(1, value) + " ";
}
/// AFI, SAFI, next hop with its length, reserved, NLRI (RFC 4760 section 3)
inline std::string reach(const std::string& family, const std::string& next_hop,
                         const std::string& nlri) {
  return attribute("80 0e", family + with_length(1, next_hop) + "00" + nlri);
}
inline std::string unreach(const std::string& family, const std::string& nlri) {
  return attribute("80 0f", family + nlri);
}
inline std::string reach6() { return reach("0002 01", kNextHop6, kRoute6); }

/// An IPv6 route with these attributes behind MP_REACH_NLRI.
inline std::string v6(const std::string& attributes) { return update(reach6() + attributes); }
/// An IPv4 route of old, with these attributes.
inline std::string v4(const std::string& attributes) { return update(attributes, kRoute4); }

inline std::string sub_tlv(const std::string& type, const std::string& value) {
  return type + " " + with_length(hex(type)[0] < 0x80 ? 1 : 2, value) + " ";
}
inline std::string weight(const std::string& number) { return sub_tlv("09", "00 00" + number); }
inline std::string segment_b(const std::string& sid = kSid) { return sub_tlv("0d", "00 00" + sid); }
inline std::string list(const std::string& content) { return sub_tlv("80", "00" + content); }
inline const std::string kList = list(segment_b());

/// Tunnel type 15 with these sub-TLVs, as an attribute (RFC 9012 section 2).
inline std::string tunnel(const std::string& sub_tlvs, const std::string& type = "000f") {
  return "d0 17 " + with_length(2, type + with_length(2, sub_tlvs)) + " ";
}
/// An SR Policy route of IPv6 with these attributes.
inline std::string policy_with(const std::string& attributes, const std::string& nlri = kPolicy) {
  return update(reach("0002 49", kNextHop6, nlri) + kBase + attributes);
}
/// One with this content of its tunnel, for the receiver only.
inline std::string policy(const std::string& sub_tlvs, const std::string& nlri = kPolicy) {
  return policy_with(kNoAdvertiseOnly + tunnel(sub_tlvs), nlri);
}

struct Row {
  const char* name;
  std::string body;
  Verdict expected = Verdict::kAccept;
  const char* section = "";   // of the RFC that asks for it: stands in the reason
  const char* unusable = "";  // a legal route of no use: a part of why
  SessionFacts facts = {};
};

inline constexpr SessionFacts kExternal{true, false, SrPolicyDialect::kStandard};
inline constexpr SessionFacts kTwoOctets{false, true, SrPolicyDialect::kStandard};
inline constexpr SessionFacts kCalico{true, true, SrPolicyDialect::kCalicoVpp};
inline constexpr SessionFacts kOldCalico{true, true, SrPolicyDialect::kOldCalicoVpp};

}  // namespace sextant::bgp::odd
