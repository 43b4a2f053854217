// What a headend does with packets from one address to another, and why: the words behind
// `sextant trace`. RFC 9256 sections 2.9 and 8.
//
// Pure: reads a resolution, asks no kernel. For another node as headend the resolution is made anew
// from the same intent, so a tie that that node's own history decides may come out differently.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "overlay/resolver.h"

namespace sextant::trace {

/// One end of the traffic.
struct Party {
  IpAddress address;
  std::string node;  // on which it is
  bool pod = false;  // false: the node itself
  friend bool operator==(const Party&, const Party&) = default;
};

enum class Outcome {
  kPath,         // encapsulated
  kLocal,        // on the headend itself: not encapsulated
  kDrop,         // a policy without a valid path wants it dropped
  kUnreachable,  // answered with ICMP unreachable
  kNoRoute,      // not the overlay's
};

/// "Path", "Local", "Drop", "Unreachable", "NoRoute"
[[nodiscard]] std::string_view to_string(Outcome outcome);

struct Decision {
  std::string headend;
  Outcome outcome = Outcome::kNoRoute;
  std::string reason;  // of the policy, or of the outcome
  std::optional<Ipv6Address> encapsulation_source;
  std::optional<overlay::RouteKey> route;
  std::optional<overlay::PathKey> path;         // the policy, or the plain path
  std::optional<overlay::PolicyStatus> policy;  // none: the plain path
  std::string candidate_reason;                 // why the active candidate path is it
  std::vector<srv6::SegmentList> lists;
};

/// A resolution of one node.
struct View {
  std::string node;
  const overlay::Intent& intent;
  const overlay::Forwarding& forwarding;
  const std::map<overlay::PathKey, overlay::PolicyStatus>& policies;
};

/// What `view`'s node does with packets from `source` to `destination`, both of one family.
[[nodiscard]] Decision decide(const View& view, const Party& source, const Party& destination);

/// The decisions in both directions.
struct Decisions {
  Party source, destination;
  Decision forward, reverse;
};

/// `source` and `destination`: addresses of pods or nodes, or names of nodes, which stand for their
/// overlay addresses. `family` is for two names; without one it is IPv4, or IPv6 where one of them
/// has only that. Errors: unknown names, addresses outside of the overlay, families that differ.
[[nodiscard]] Result<Decisions> decide(const overlay::Resolver& here,
                                       const overlay::Settings& settings, const std::string& source,
                                       const std::string& destination,
                                       std::optional<Family> family);

}  // namespace sextant::trace
