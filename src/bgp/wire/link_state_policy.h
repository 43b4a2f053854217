// An SR Policy's candidate path as its headend tells of it over BGP-LS: which path it is (the
// route), and how it fares (the attribute). RFC 9857.
//
// Departure: RFC 9857 has no words for why a path is not valid. They go in a TLV of RFC 9552
// section 5.4 (private use, behind an enterprise number); receivers that do not know it skip it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/wire/link_state.h"
#include "srv6/behavior.h"
#include "srv6/policy.h"
#include "srv6/sid.h"

namespace sextant::bgp {

/// IANA "SR Policy Protocol Origin" (RFC 9857 section 8.4). Others may come from a peer.
enum class PathOrigin : std::uint8_t {
  kPcep = 1,
  kBgp = 2,
  kConfiguration = 3,
  // The same, where a PCE tells of it and not the headend.
  kPcepByPce = 10,
  kBgpByPce = 20,
  kConfigurationByPce = 30,
};

/// The Local Node Descriptors. RFC 9857 section 3: AS number and BGP identifier, and an address.
struct PathHeadend {
  std::uint32_t asn = 0;
  Ipv4Address router_id;
  std::optional<Ipv4Address> ipv4 = {};
  std::optional<Ipv6Address> ipv6 = {};
  friend auto operator<=>(const PathHeadend&, const PathHeadend&) = default;
};

/// RFC 9857 sections 3 and 4.
struct PolicyPath {
  std::uint64_t identifier = 0;  // of the routing universe (RFC 9552 section 5.2)
  PathHeadend headend;
  PathOrigin origin = PathOrigin::kBgp;
  IpAddress endpoint;
  srv6::Color color;
  std::uint32_t originator_asn = 0;
  IpAddress originator;
  std::uint32_t discriminator = 0;  // of a path of BGP: the distinguisher of its route
  /// "fd10::1000 (10.0.0.1): path 4 of policy 94 to fd12::1000"
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const PolicyPath&, const PolicyPath&) = default;
};

/// RFC 9857 section 5.3, SR Candidate Path State.
inline constexpr std::uint16_t kPathShut = 0x8000;             // S: administratively down
inline constexpr std::uint16_t kPathActive = 0x4000;           // A: provisioned in forwarding
inline constexpr std::uint16_t kPathBackup = 0x2000;           // B
inline constexpr std::uint16_t kPathEvaluated = 0x1000;        // E: looked at for validity
inline constexpr std::uint16_t kPathValid = 0x0800;            // V: a valid segment list; with E
inline constexpr std::uint16_t kPathOnDemand = 0x0400;         // O
inline constexpr std::uint16_t kPathDelegated = 0x0200;        // D
inline constexpr std::uint16_t kPathProvisioned = 0x0100;      // C: by a controller
inline constexpr std::uint16_t kPathDropUponInvalid = 0x0080;  // I
inline constexpr std::uint16_t kPathTransit = 0x0040;          // T
inline constexpr std::uint16_t kPathDropping = 0x0020;         // U: active, and drops

/// RFC 9857 section 5.2, SRv6 Binding SID.
inline constexpr std::uint16_t kBindingSidAllocated = 0x8000;    // B
inline constexpr std::uint16_t kBindingSidUnavailable = 0x4000;  // U: the specified one
struct PathBindingSid {
  std::uint16_t flags = 0;
  Ipv6Address sid;        // in use; unspecified where none is
  Ipv6Address specified;  // as asked for
  friend bool operator==(const PathBindingSid&, const PathBindingSid&) = default;
};

/// RFC 9857 section 5.7.1, SR Segment: those of type B.
struct PathSegment {
  Ipv6Address sid;
  std::optional<srv6::Behavior> behavior = {};  // any code point
  friend bool operator==(const PathSegment&, const PathSegment&) = default;
};

/// RFC 9857 section 5.7, SR Segment List.
inline constexpr std::uint16_t kListSrv6 = 0x8000;      // D
inline constexpr std::uint16_t kListExplicit = 0x4000;  // E
inline constexpr std::uint16_t kListVerified = 0x1000;  // V: or needed no verification
struct PathSegmentList {
  std::uint16_t flags = kListSrv6 | kListExplicit;
  std::uint32_t weight = 1;
  std::vector<PathSegment> segments = {};  // of other types than B: left out
  friend bool operator==(const PathSegmentList&, const PathSegmentList&) = default;
};

struct PolicyPathState {
  std::uint8_t priority = 128;
  std::uint16_t flags = 0;
  std::uint32_t preference = srv6::kDefaultPreference;
  std::string name = {};         // 1203, of the candidate path
  std::string policy_name = {};  // 1213
  std::optional<PathBindingSid> binding_sid = {};
  std::vector<PathSegmentList> lists = {};
  std::string reason = {};  // why it is not used, in words
  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) == flag; }
  friend bool operator==(const PolicyPathState&, const PolicyPathState&) = default;
};

/// Of a whole route: type, length and value.
[[nodiscard]] Result<PolicyPath> decode_policy_path(std::span<const std::uint8_t> nlri);
[[nodiscard]] LinkStateNlri encode(const PolicyPath& path);

/// Of a BGP-LS attribute's value. TLVs that are not known are skipped; of a TLV that may come once
/// the first counts. Without an SR Candidate Path State nothing is said: flags 0.
[[nodiscard]] Result<PolicyPathState> decode_policy_path_state(std::span<const std::uint8_t> value);
/// Names and the reason are cut to 255 bytes.
[[nodiscard]] std::vector<std::uint8_t> encode(const PolicyPathState& state);

}  // namespace sextant::bgp
