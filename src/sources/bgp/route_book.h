// The best routes of a BGP speaker, as nodes and policies of the overlay. Pure.
//
// Flow: Speaker's listener -> set() -> take_change() -> IntentMerge (intent_merge.h).
//
// A node is known by its address, the next hop of its routes. It gives
//   SIDs          of its routes' service TLVs (RFC 9252), or of Calico-VPP's policies to itself
//   a locator     by the SID structure; else the announced prefix that holds its SIDs; else their
//                 first 64 bits
//   pod prefixes  its routes with a service SID or a color, and of Calico-VPP's plain ones those
//                 that hold neither the node's address nor its SIDs
// A next hop without SIDs and colors is no node of the overlay: its routes are the underlay's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/nlri.h"
#include "overlay/intent.h"
#include "sources/bgp/route_reading.h"

namespace sextant::bgp_source {

struct ColoredPrefix {
  IpPrefix prefix;
  std::optional<bgp::ColorCommunity> color;
  friend auto operator<=>(const ColoredPrefix&, const ColoredPrefix&) = default;
};

struct LearnedNode {
  std::optional<srv6::Locator> locator;
  overlay::FixedSids sids;
  std::vector<ColoredPrefix> pod_prefixes;  // sorted
  [[nodiscard]] bool empty() const { return !locator && pod_prefixes.empty(); }
  friend bool operator==(const LearnedNode&, const LearnedNode&) = default;
};

class RouteBook {
 public:
  /// None: the route is gone.
  void set(const IpPrefix& prefix, std::optional<UnicastRoute> route);
  void set(const bgp::SrPolicyNlri& nlri, std::optional<PolicyReading> reading);

  struct Change {
    std::set<Ipv6Address> nodes;  // whose LearnedNode may be another
    std::map<bgp::SrPolicyNlri, std::optional<overlay::Policy>> policies;
    [[nodiscard]] bool empty() const { return nodes.empty() && policies.empty(); }
  };
  /// What the calls of set() since the last call mean.
  [[nodiscard]] Change take_change() { return std::exchange(change_, {}); }

  /// Cost: the routes of that node.
  [[nodiscard]] LearnedNode node(const Ipv6Address& address) const;
  /// SR Policy routes that no use can be made of, with the reason.
  [[nodiscard]] const std::map<bgp::SrPolicyNlri, Unusable>& unusable() const { return unusable_; }

 private:
  struct Routes {
    std::map<IpPrefix, UnicastRoute> unicast;
    std::map<bgp::SrPolicyNlri, NodeSid> sids;
    [[nodiscard]] bool empty() const { return unicast.empty() && sids.empty(); }
  };
  void forget(const bgp::SrPolicyNlri& nlri);
  void drop_if_empty(const Ipv6Address& node);

  std::map<Ipv6Address, Routes> routes_;  // by next hop
  std::map<IpPrefix, Ipv6Address> next_hops_;
  std::map<bgp::SrPolicyNlri, Ipv6Address> sid_nodes_;
  std::set<bgp::SrPolicyNlri> policies_;
  std::map<bgp::SrPolicyNlri, Unusable> unusable_;
  Change change_;
};

}  // namespace sextant::bgp_source
