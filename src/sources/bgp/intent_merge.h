// What BGP says beside what another source says: one Intent. Pure.
//
// Of a node that the other source knows, by its address, BGP only adds: pod prefixes, and a locator
// and SIDs where that source has none. A node that only BGP knows is called by its address. What
// the other source gives to one node, pods or locator, BGP cannot give to another: refused().
// Policies of both stand side by side; those to one (color, endpoint) become one policy with the
// candidate paths of both. This node's own routes come back from reflectors: they add nothing to
// it.
//
// Steering by color alone (the CO bits, RFC 9830 section 3 and RFC 9256 section 8.8.1): a prefix
// with CO 01 may take a policy of its color to the null endpoint, with CO 10 one to any endpoint,
// where none to its next hop is valid. Such a policy is copied for the next hop with preferences
// from 0 on, below what policies to the next hop itself have: any endpoint, then the null endpoint,
// of each the next hop's own address family last, then in the order of their own preferences.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "overlay/prefix_index.h"
#include "sources/bgp/prefix_owners.h"
#include "sources/bgp/route_book.h"

namespace sextant::bgp_source {

class IntentMerge {
 public:
  /// `primary` and `book` must outlive it. `self` is this node's name; `reach` is how other nodes
  /// that only BGP knows are reached.
  IntentMerge(const overlay::Intent& primary, const RouteBook& book, std::string self,
              overlay::LocatorReach reach);

  /// Both sources have these changes applied already.
  [[nodiscard]] overlay::IntentChange take(const overlay::IntentChange& primary,
                                           const RouteBook::Change& learned);
  [[nodiscard]] const overlay::Intent& intent() const { return intent_; }

  /// A prefix that routes of BGP bring, and that is the other source's node `owner`'s.
  struct Refused {
    IpPrefix prefix;
    std::string owner;
    friend auto operator<=>(const Refused&, const Refused&) = default;
  };
  /// By the name of the node that would have it.
  [[nodiscard]] const std::map<std::string, std::set<Refused>>& refused() const { return refused_; }

 private:
  using Policies = std::map<overlay::ObjectKey, overlay::Policy>;

  void index(const std::string& name);
  [[nodiscard]] std::optional<overlay::Node> node(const std::string& name);
  void add_learned(const LearnedNode& learned, overlay::Node& node);
  void learn(const Ipv6Address& address, LearnedNode node);
  void show(const std::string& name, overlay::IntentChange& change);
  void show(const overlay::ObjectKey& key, std::optional<overlay::Policy> policy,
            overlay::IntentChange& change);
  void note_colors(const Ipv6Address& address, const LearnedNode& node);
  [[nodiscard]] Policies color_only_policies() const;

  const overlay::Intent& primary_;
  const RouteBook& book_;
  std::string self_;
  overlay::LocatorReach reach_;
  std::map<std::string, std::vector<Ipv6Address>> addresses_;  // of the other source's nodes
  std::map<Ipv6Address, std::string> names_;                   // by address: the first by name
  struct Learned {
    Ipv6Address address;
    LearnedNode node;
  };
  std::map<std::string, Learned> learned_;                        // by the name of the address
  overlay::PrefixIndex<std::set<Ipv6Address>> learned_prefixes_;  // next hops
  PrefixOwners owners_;                                           // by the other source
  std::map<std::string, std::set<Refused>> refused_;
  std::map<bgp::SrPolicyNlri, overlay::Policy> policies_;        // of BGP
  std::map<Ipv6Address, std::set<bgp::ColorCommunity>> colors_;  // with CO bits, by next hop
  Policies copies_;
  overlay::Intent intent_;
};

}  // namespace sextant::bgp_source
