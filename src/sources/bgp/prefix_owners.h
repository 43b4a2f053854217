// Which node has a prefix by the other source's word: BGP cannot give it to another one. Pure.
//
// Without this the overlay's own rule would decide (overlay/claims.h: who holds a prefix keeps it,
// else the first by name), and a route of BGP, an aggregate say, could take the pods of a
// cluster's nodes.
#pragma once

#include <map>
#include <set>
#include <string>

#include "overlay/claims.h"
#include "overlay/intent.h"
#include "overlay/prefix_index.h"

namespace sextant::bgp_source {

class PrefixOwners {
 public:
  /// What the node has now; null: it is gone. Gives the prefixes that it did not have before, or
  /// has no more.
  std::set<IpPrefix> set(const std::string& name, const overlay::Node* node);
  /// The other node that has the wish's prefix, or one that overlaps it; empty: there is none.
  /// Single addresses out of a node's pod prefix may be another's: they are lent.
  [[nodiscard]] std::string owner_in_the_way(const overlay::Claim& wish) const;

 private:
  std::map<std::string, std::set<overlay::Claim>> held_;  // by node
  overlay::PrefixIndex<std::set<overlay::Claim>> owners_;
};

}  // namespace sextant::bgp_source
