// Path attributes: the part of an UPDATE that its routes share, decoded and checked in full.
// RFC 4271 sections 4.3 and 5, RFC 7606 (what an error costs), and the RFC of each field below.
//
// AS numbers have four bytes inside; what a two-byte peer sends is merged on the way in and cut on
// the way out (RFC 6793). Unknown transitive attributes are kept byte for byte and passed on with
// the partial bit set (RFC 4271 section 9).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/wire/as_path.h"
#include "bgp/wire/community.h"
#include "bgp/wire/family.h"
#include "bgp/wire/nlri.h"
#include "bgp/wire/prefix_sid.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "bgp/wire/verdict.h"

namespace sextant::bgp {

/// IANA "BGP Path Attributes"; those that have a meaning here.
enum class AttributeType : std::uint8_t {
  kOrigin = 1,
  kAsPath = 2,
  kNextHop = 3,
  kMed = 4,
  kLocalPref = 5,
  kAtomicAggregate = 6,
  kAggregator = 7,
  kCommunities = 8,
  kOriginatorId = 9,
  kClusterList = 10,
  kMpReach = 14,
  kMpUnreach = 15,
  kExtendedCommunities = 16,
  kAs4Path = 17,
  kAs4Aggregator = 18,
  kTunnelEncapsulation = 23,
  kBgpLs = 29,
  kLargeCommunities = 32,
  kPrefixSid = 40,
};

/// "LOCAL_PREF", "attribute 99"
[[nodiscard]] std::string to_string(AttributeType type);

/// RFC 4271 section 4.3, Attribute Flags.
inline constexpr std::uint8_t kFlagOptional = 0x80;
inline constexpr std::uint8_t kFlagTransitive = 0x40;
inline constexpr std::uint8_t kFlagPartial = 0x20;
inline constexpr std::uint8_t kFlagExtendedLength = 0x10;

enum class Origin : std::uint8_t { kIgp = 0, kEgp = 1, kIncomplete = 2 };

struct Aggregator {
  std::uint32_t asn = 0;
  Ipv4Address address;
  friend bool operator==(const Aggregator&, const Aggregator&) = default;
};

struct UnknownAttribute {
  std::uint8_t flags = 0;  // without the extended length bit
  std::uint8_t type = 0;
  std::vector<std::uint8_t> value = {};
  friend bool operator==(const UnknownAttribute&, const UnknownAttribute&) = default;
};

struct Attributes {
  std::optional<Origin> origin = {};                         // 1
  AsPath as_path = {};                                       // 2, with 17 merged
  std::optional<Ipv4Address> next_hop = {};                  // 3; of MP routes: see UpdateView
  std::optional<std::uint32_t> med = {};                     // 4
  std::optional<std::uint32_t> local_pref = {};              // 5
  bool atomic_aggregate = false;                             // 6
  std::optional<Aggregator> aggregator = {};                 // 7, with 18 merged
  std::vector<Community> communities = {};                   // 8, RFC 1997
  std::optional<Ipv4Address> originator_id = {};             // 9, RFC 4456
  std::vector<Ipv4Address> cluster_list = {};                // 10, RFC 4456
  std::vector<ExtendedCommunity> extended_communities = {};  // 16, RFC 4360
  /// 23, RFC 9012: the value as it came; read by TunnelCursor and decode_sr_policy. Empty: absent.
  std::vector<std::uint8_t> tunnel_encapsulation = {};
  /// 29, RFC 9552: the value as it came, of routes of BGP-LS. Empty: absent.
  std::vector<std::uint8_t> link_state = {};
  std::vector<LargeCommunity> large_communities = {};  // 32, RFC 8092
  /// 40, RFC 8669: the value as it came; read by decode_prefix_sid. Empty: absent.
  std::vector<std::uint8_t> prefix_sid = {};
  std::vector<UnknownAttribute> unknown = {};  // transitive ones, to be passed on

  /// The partial bit (RFC 4271 section 5) of the attributes above, once set, stays: a bit for each
  /// type code.
  std::uint64_t partial = 0;

  [[nodiscard]] bool has(Community community) const;
  /// RFC 9830 section 3 and RFC 9012 section 8: of several colors the highest counts.
  [[nodiscard]] std::optional<ColorCommunity> color() const;
  friend bool operator==(const Attributes&, const Attributes&) = default;
};

/// What decoding depends on besides the bytes: part of the key under which a block is kept.
struct SessionFacts {
  bool four_octet_as = true;  // both sides announced it (RFC 6793)
  bool internal = true;       // iBGP
  SrPolicyDialect dialect = SrPolicyDialect::kStandard;
  friend constexpr auto operator<=>(const SessionFacts&, const SessionFacts&) = default;
};

/// Which routes the attributes belong to: an UPDATE may carry classic IPv4 routes and MP ones.
struct RouteKind {
  Family family = kIpv6Unicast;
  bool classic = false;  // IPv4 NLRI behind the attributes: NEXT_HOP is mandatory
  friend constexpr auto operator<=>(const RouteKind&, const RouteKind&) = default;
};

struct DecodedAttributes {
  Attributes attributes;
  Judgement judgement;
  /// Legal, but of no use to an SRv6 headend (segments of type A, an empty list): the route is kept
  /// and passed on. Empty where it is of use.
  std::string unusable;
};

/// `block` as SharedAttributes gives it, without MP_REACH_NLRI and MP_UNREACH_NLRI.
[[nodiscard]] DecodedAttributes decode_attributes(std::span<const std::uint8_t> block,
                                                  const SessionFacts& facts, const RouteKind& kind);

/// What an SR Policy route's key says against it (RFC 9830 section 2.1, RFC 9256 section 2.1):
/// color 0, outside of kOldCalicoVpp; an endpoint that is multicast.
[[nodiscard]] std::optional<Fault> check(const SrPolicyNlri& nlri, const SessionFacts& facts);

/// The block for UpdateWriter::begin, in the order of type codes, without NEXT_HOP: a canonical
/// form, equal for equal attributes. Encode again what was decoded: the same attributes. With
/// facts of a two-byte session, AS4_PATH and AS4_AGGREGATOR go along. Nothing is left out for
/// external peers: the RIB's export rules decide what goes where.
[[nodiscard]] std::vector<std::uint8_t> encode_attributes(const Attributes& attributes,
                                                          const SessionFacts& facts);

}  // namespace sextant::bgp
