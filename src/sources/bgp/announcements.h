// What a node announces of itself over BGP. Pure.
//
//   pod prefixes  unicast, next hop the node, with the service SID of the family (RFC 9252)
//   the locator   unicast, so that whoever carries the underlay can route it
//   to peers of Calico-VPP's convention, also the node's decapsulating SIDs as SR Policies to the
//   node itself: distinguisher 0, color 4 (End.DT4) or 6 (End.DT6), preference 11, priority 10, one
//   list of weight 12. Such a receiver wants a binding SID of its own for each; these lie in the
//   node's locator, so that no two nodes' can be the same. Nobody is to send packets to them.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/next_hop.h"
#include "bgp/wire/nlri.h"
#include "srv6/behavior.h"
#include "srv6/sid.h"

namespace sextant::bgp_source {

struct Self {
  Ipv6Address address;
  std::optional<srv6::Locator> locator;
  std::optional<srv6::Sid> dt4, dt6;  // where packets of the family are to be sent
  std::optional<srv6::Sid> dt46;      // takes the place of one that is missing
  std::vector<IpPrefix> pod_prefixes;
  friend bool operator==(const Self&, const Self&) = default;
};

struct Announcement {
  bgp::Family family;
  std::variant<IpPrefix, bgp::SrPolicyNlri> nlri;
  bgp::Attributes attributes;
  bgp::NextHop next_hop;
  friend bool operator==(const Announcement&, const Announcement&) = default;
};

/// `calico_vpp`: some peer follows that convention. Export filters keep its SR Policies, whose
/// endpoint is the node, from the others.
[[nodiscard]] std::vector<Announcement> announcements(const Self& self, bool calico_vpp);

}  // namespace sextant::bgp_source
