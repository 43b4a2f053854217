// What the Tunnel Encapsulation attribute says of an SR Policy's candidate path: tunnel type 15.
// RFC 9830 section 2.4 (segment types A and B), RFC 9831 (the others).
//
// Everything that was received is sent on byte for byte by keeping the attribute; these types are
// for those who use a policy (the headend, `sextant bgp`) or originate one (the injector, a node).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/wire/tunnel_encap.h"
#include "srv6/behavior.h"
#include "srv6/policy.h"
#include "srv6/sid.h"

namespace sextant::bgp {

/// RFC 9830 section 2.4.4.2.4. Lengths in bits; all zero where the sender does not know them.
struct SidBehavior {
  srv6::Behavior behavior = srv6::Behavior::kOpaque;  // any code point
  srv6::SidStructure structure{0, 0, 0, 0};
  friend bool operator==(const SidBehavior&, const SidBehavior&) = default;
};

/// How strictly SR Policy routes are read.
enum class SrPolicyDialect : std::uint8_t {
  kStandard,   // RFC 9830 and RFC 9256 in full
  kCalicoVpp,  // Calico-VPP, SRv6-PI and others that inject through GoBGP: neither NO_ADVERTISE nor
               // a route target (RFC 9830 section 4.2.1), lists of weight 0 (SRv6-PI's files)
  kOldCalicoVpp,  // and color 0: releases that gave both SIDs of a node that color
};

/// IANA "SR Policy Segment List Sub-TLVs".
enum class SegmentType : std::uint8_t {
  kA = 1,  // SR-MPLS label
  kC = 3,
  kD = 4,
  kE = 5,
  kF = 6,
  kG = 7,
  kH = 8,
  kWeight = 9,  // no segment
  kB = 13,      // SRv6 SID
  kI = 14,
  kJ = 15,
  kK = 16,
};

/// RFC 9830 section 2.4.4.2.3.
inline constexpr std::uint8_t kSegmentFlagVerify = 0x80;
inline constexpr std::uint8_t kSegmentFlagBehavior = 0x10;

struct Segment {
  SegmentType type = SegmentType::kB;
  std::uint8_t flags = 0;                    // as on the wire: kSegmentFlag...
  Ipv6Address sid;                           // type B
  std::optional<SidBehavior> behavior = {};  // type B
  std::vector<std::uint8_t> value = {};      // of other types: all behind the length
  /// Of type B, with the flags that RFC 9830 asks for.
  [[nodiscard]] static Segment of(const Ipv6Address& sid, std::optional<SidBehavior> behavior = {});
  friend bool operator==(const Segment&, const Segment&) = default;
};

struct WeightedSegmentList {
  /// Absent: 1 (RFC 9256 section 2.2).
  std::optional<std::uint32_t> weight = {};
  std::vector<Segment> segments = {};
  std::vector<SubTlv> unknown = {};
  /// Why an SRv6 headend cannot use it: empty, a type that is not B, weight 0, a SID that is none,
  /// more segments than an SRH holds. Empty where it can.
  [[nodiscard]] std::string unusable(SrPolicyDialect dialect = SrPolicyDialect::kStandard) const;
  friend bool operator==(const WeightedSegmentList&, const WeightedSegmentList&) = default;
};

/// RFC 9830 section 2.4.2, sub-TLV 13: nothing, an MPLS label or an SRv6 SID.
struct BindingSid {
  std::uint8_t flags = 0;                   // S 0x80 (specified only), I 0x40 (drop upon invalid)
  std::optional<std::uint32_t> label = {};  // the four bytes of a label stack entry
  std::optional<Ipv6Address> sid = {};
  friend bool operator==(const BindingSid&, const BindingSid&) = default;
};

/// RFC 9830 section 2.4.3, sub-TLV 20. There may be several.
struct Srv6BindingSid {
  std::uint8_t flags = 0;  // as on the wire: S 0x80, I 0x40, B 0x20 (with `behavior`)
  Ipv6Address sid;
  std::optional<SidBehavior> behavior = {};
  /// With the flags that RFC 9830 asks for.
  [[nodiscard]] static Srv6BindingSid of(const Ipv6Address& sid,
                                         std::optional<SidBehavior> behavior = {});
  friend bool operator==(const Srv6BindingSid&, const Srv6BindingSid&) = default;
};

/// RFC 9830 section 2.4.5.
enum class ExplicitNullPolicy : std::uint8_t { kIpv4 = 1, kIpv6 = 2, kBoth = 3, kNone = 4 };

struct SrPolicyTunnel {
  std::optional<std::uint32_t> preference = {};        // sub-TLV 12; absent: 100
  std::optional<BindingSid> binding_sid = {};          // 13
  std::optional<ExplicitNullPolicy> enlp = {};         // 14; others than 1 to 4 come as they are
  std::optional<std::uint8_t> priority = {};           // 15; absent: 128 (lower is earlier)
  std::vector<Srv6BindingSid> srv6_binding_sids = {};  // 20
  std::vector<WeightedSegmentList> lists = {};         // 128
  std::string candidate_path_name = {};                // 129
  std::string policy_name = {};                        // 130
  std::vector<SubTlv> unknown = {};

  /// The binding SID for SRv6: of sub-TLV 20, else of 13 (as Calico-VPP and SRv6-PI send it).
  [[nodiscard]] std::optional<Ipv6Address> srv6_bsid() const;
  /// Why no list can be used by an SRv6 headend; empty where one can.
  [[nodiscard]] std::string unusable(SrPolicyDialect dialect = SrPolicyDialect::kStandard) const;
  friend bool operator==(const SrPolicyTunnel&, const SrPolicyTunnel&) = default;
};

/// Of a Tunnel Encapsulation attribute's value, which must hold one tunnel of type 15 and no other
/// (RFC 9830 section 2.2). Errors name sub-TLV and length; all of them ask for treat-as-withdraw
/// (RFC 9830 section 5).
[[nodiscard]] Result<SrPolicyTunnel> decode_sr_policy(std::span<const std::uint8_t> attribute);
/// The attribute's value: sub-TLVs in the order of SrPolicyTunnel, but lists behind the names,
/// unknown ones last. Error: a list or name that does not fit its length field.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode_sr_policy(const SrPolicyTunnel& tunnel);

}  // namespace sextant::bgp
