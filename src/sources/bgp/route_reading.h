// What one BGP route says to the overlay. Pure.
//
// Two conventions are read, by the peer that the route came from:
//   standard     unicast routes carry their service SID (RFC 9252); SR Policies are for the
//   headends
//                that their route targets name, or for the neighbor (RFC 9830 section 4.2.1)
//   Calico-VPP   plain unicast routes; each node announces its decapsulating SIDs as SR Policies to
//                itself (color 4: End.DT4, 6: End.DT6; one segment), everybody takes every policy
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "overlay/intent.h"

namespace sextant::bgp_source {

struct UnicastRoute {
  IpAddress next_hop;
  std::optional<bgp::ColorCommunity> color;
  std::optional<bgp::ServiceSid> service;  // RFC 9252: the first of the L3 service
  bool calico_vpp = false;                 // a plain route may be of pods or SIDs
  friend bool operator==(const UnicastRoute&, const UnicastRoute&) = default;
};

/// A decapsulating SID that a node announces of itself.
struct NodeSid {
  Ipv6Address node;  // its address
  srv6::Sid sid;
  srv6::Behavior behavior = srv6::Behavior::kEndDt6;
  friend bool operator==(const NodeSid&, const NodeSid&) = default;
};

/// A route that no use can be made of here, in words for its sender.
struct Unusable {
  std::string reason;
  bool other_headends = false;  // it is for others, and may well be good
  friend bool operator==(const Unusable&, const Unusable&) = default;
};

/// What reading needs to know of where a route came from.
struct RouteOrigin {
  bgp::SrPolicyDialect dialect = bgp::SrPolicyDialect::kStandard;
  std::uint32_t asn = 0;        // of the peer
  Ipv4Address peer_identifier;  // BGP identifier of the peer
  std::string peer;             // for texts: "fd10::1"
};

[[nodiscard]] UnicastRoute read_unicast(const IpAddress& next_hop,
                                        const bgp::Attributes& attributes,
                                        const RouteOrigin& origin);

/// What an SR Policy route stands for at this headend, whose BGP identifier is `self`. The policy's
/// key is BGP/DISTINGUISHER:COLOR:ENDPOINT.
using PolicyReading = std::variant<overlay::Policy, NodeSid, Unusable>;
[[nodiscard]] PolicyReading read_sr_policy(const bgp::SrPolicyNlri& nlri, const IpAddress& next_hop,
                                           const bgp::Attributes& attributes,
                                           const RouteOrigin& origin, Ipv4Address self);

[[nodiscard]] overlay::ObjectKey policy_key(const bgp::SrPolicyNlri& nlri);

/// RFC 9256 section 2.4: the router that announced the path first; an IPv4 address in the last four
/// bytes.
[[nodiscard]] srv6::Originator originator_of(const bgp::Attributes& attributes,
                                             const RouteOrigin& origin);
/// RFC 9256 section 2.7. Calico-VPP chooses by priority, the highest wins.
[[nodiscard]] std::uint32_t preference_of(const bgp::SrPolicyTunnel& tunnel,
                                          bgp::SrPolicyDialect dialect);
/// RFC 9256 section 8.2.
[[nodiscard]] bool drops_upon_invalid(const bgp::SrPolicyTunnel& tunnel);

}  // namespace sextant::bgp_source
