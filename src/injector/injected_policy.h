// An SR Policy as it is injected: one candidate path (RFC 9830 section 2.1), the headends that it
// is for, and what is known of its fate. Plain values, shared by files, back ends and the daemon.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/family.h"
#include "bgp/wire/nlri.h"
#include "bgp/wire/sr_policy_tunnel.h"

namespace sextant::injector {

/// What tells injected policies apart: distinguisher, color and endpoint, whose family is the
/// route's (AFI 1 or 2, SAFI 73).
using PolicyKey = bgp::SrPolicyNlri;

[[nodiscard]] inline bgp::Family family_of(const PolicyKey& key) {
  return key.endpoint.is_v4() ? bgp::kSrPolicyIpv4 : bgp::kSrPolicyIpv6;
}

/// "94,fd12::1000,4": color, endpoint, distinguisher, as the commands take them.
[[nodiscard]] std::string to_string(const PolicyKey& key);

/// How those are told that a policy is for which names no headend.
enum class Convention : std::uint8_t {
  kStandard,   // NO_ADVERTISE: for the neighbor alone (RFC 9830 section 4.2.1)
  kCalicoVpp,  // nothing: for everybody whom the route reaches
};

struct InjectedPolicy {
  /// Of people's choice; candidate paths of one policy share it. May be empty.
  std::string name = {};
  PolicyKey key;
  bgp::SrPolicyTunnel tunnel = {};
  /// BGP identifiers of the headends: a route target each (RFC 9830 section 4.2.1).
  std::vector<Ipv4Address> headends = {};
  /// Absent: that of the back end. Without meaning where there are headends.
  std::optional<Convention> convention = {};
  /// Absent: whoever announces the route.
  std::optional<IpAddress> next_hop = {};

  [[nodiscard]] bgp::Family family() const { return family_of(key); }
  /// The name; without one, the key: what the commands take.
  [[nodiscard]] std::string title() const { return name.empty() ? to_string(key) : name; }
  friend bool operator==(const InjectedPolicy&, const InjectedPolicy&) = default;
};

/// With the weight 1 of lists that name none (RFC 9256 section 2.2). So they are sent: GoBGP 3.10
/// crashes when it shows a list without weight, and Calico-VPP is built on GoBGP.
[[nodiscard]] bgp::SrPolicyTunnel spelled_out(bgp::SrPolicyTunnel tunnel);
/// And with the name as the policy's name (RFC 9830 section 2.4.8). So two are compared: some back
/// ends have no other place for a name.
[[nodiscard]] InjectedPolicy spelled_out(InjectedPolicy policy);

/// A peer of the back end, and whether the policy was sent to it.
struct Delivery {
  std::string peer;  // its address
  bool established = false;
  bool sent = false;
  std::string reason = {};  // why it was not sent
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

/// What a headend says of a policy (RFC 9857).
struct HeadendReport {
  std::string headend;      // its BGP identifier, or its name where that is known
  bool accepted = false;    // it has the candidate path, and the path is valid there
  bool active = false;      // and is the one in use (RFC 9256 section 2.9)
  bool pending = false;     // neither accepted nor rejected: it has not judged the path yet
  std::string reason = {};  // why it is not accepted, or not active
  friend bool operator==(const HeadendReport&, const HeadendReport&) = default;
};

/// A policy with its fate.
struct PolicyReport {
  InjectedPolicy policy;
  std::vector<Delivery> peers = {};  // empty also where the back end cannot tell
  bool peers_known = false;
  std::vector<HeadendReport> headends = {};
  bool headends_known = false;  // some peer tells what headends make of policies
  friend bool operator==(const PolicyReport&, const PolicyReport&) = default;
};

}  // namespace sextant::injector
