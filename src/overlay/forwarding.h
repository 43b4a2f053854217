// What THIS node must do, in the field's words; each data plane translates.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "srv6/behavior.h"
#include "srv6/policy.h"
#include "srv6/segment_list.h"
#include "srv6/sid.h"

namespace sextant::overlay {

/// What a path is for. It survives edits of the path's segment lists, so that a data plane can keep
/// one handle for it.
struct PathKey {
  Ipv6Address endpoint;              // the endpoint node's underlay address
  std::optional<srv6::Color> color;  // none: the plain path (one SID: the endpoint's service SID)
  Family family = Family::kIpv6;     // of the inner packets: it decides the service SID
  friend auto operator<=>(const PathKey&, const PathKey&) = default;
  [[nodiscard]] std::string to_string()
      const;  // "fd12::1000 color 4 IPv4", "fd12::1000 plain IPv6"
};

/// Weighted segment lists, each complete: its last SID decapsulates. Empty lists: drop.
struct Path {
  std::vector<srv6::SegmentList> lists;
  friend auto operator<=>(const Path&, const Path&) = default;
};

struct LocalSid {
  srv6::Behavior behavior = srv6::Behavior::kEnd;
  std::optional<Ipv6Address> next_hop;   // End.X, End.DX6 (unset: by the inner destination)
  std::vector<srv6::SegmentList> lists;  // End.B6.Encaps: complete lists as the policy has them
  friend auto operator<=>(const LocalSid&, const LocalSid&) = default;
};

/// Whose packets a route is for.
enum class RouteScope : std::uint8_t {
  kAll,   // the node's own and its pods': pod prefixes of other nodes
  kPods,  // its pods' only: other nodes' own addresses (the node itself reaches those through the
          // underlay)
};

struct RouteKey {
  RouteScope scope = RouteScope::kAll;
  IpPrefix prefix;
  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

struct Unreachable {  // ICMP unreachable: own pod prefixes, own locator
  friend auto operator<=>(const Unreachable&, const Unreachable&) = default;
};
struct Drop {  // silently: a policy with fallback `drop` and no valid path
  friend auto operator<=>(const Drop&, const Drop&) = default;
};
/// A route to a path names it by key; its Path is in Forwarding::paths.
using RouteTarget = std::variant<PathKey, Unreachable, Drop>;

/// What a prefix is in the SR domain (RFC 8754 section 5).
struct DomainRole {
  bool sids = false;     // SIDs lie in it, this node's or others': closed to pods
  bool sources = false;  // a node's or router's address: what outer packets come from
  friend auto operator<=>(const DomainRole&, const DomainRole&) = default;
};

struct Forwarding {
  /// Source of outer headers: an address of the node itself.
  std::optional<Ipv6Address> encapsulation_source;
  /// The node's overlay address a family: source of node-to-pod traffic; from its first pod prefix
  /// of the family. None where its pods have all addresses.
  std::optional<Ipv4Address> overlay_ipv4;
  std::optional<Ipv6Address> overlay_ipv6;
  std::vector<IpPrefix> pod_prefixes;  // the node's own, sorted
  std::optional<IpPrefix> locator;     // the node's own
  std::map<srv6::Sid, LocalSid> local_sids;
  std::map<PathKey, Path> paths;
  std::map<RouteKey, RouteTarget> routes;
  /// Locators of on-link nodes: reached by the node's underlay address.
  std::map<IpPrefix, Ipv6Address> locator_routes;
  /// The whole SR domain as far as it is known, this node's part too. Prefixes may nest.
  std::map<IpPrefix, DomainRole> domain;
  friend bool operator==(const Forwarding&, const Forwarding&) = default;
};

/// What to do to get from one Forwarding to another. Values upsert, nullopt removes. A data plane
/// installs upserts of paths, then of routes, before it removes anything (make-before-break).
struct ForwardingDiff {
  struct Identity {  // the node's own facts, whole, where any of them changed
    std::optional<Ipv6Address> encapsulation_source;
    std::optional<Ipv4Address> overlay_ipv4;
    std::optional<Ipv6Address> overlay_ipv6;
    std::vector<IpPrefix> pod_prefixes;
    std::optional<IpPrefix> locator;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  std::optional<Identity> identity;
  std::map<srv6::Sid, std::optional<LocalSid>> local_sids;
  std::map<PathKey, std::optional<Path>> paths;
  std::map<RouteKey, std::optional<RouteTarget>> routes;
  std::map<IpPrefix, std::optional<Ipv6Address>> locator_routes;
  std::map<IpPrefix, std::optional<DomainRole>> domain;
  [[nodiscard]] bool empty() const;
  friend bool operator==(const ForwardingDiff&, const ForwardingDiff&) = default;
};

[[nodiscard]] ForwardingDiff::Identity identity_of(const Forwarding& forwarding);
[[nodiscard]] ForwardingDiff diff(const Forwarding& from, const Forwarding& to);
/// `onto` with the diff applied.
void patch(Forwarding& onto, const ForwardingDiff& change);

}  // namespace sextant::overlay
