// What headends make of injected policies, as they tell over BGP-LS (RFC 9857).
//
//   SpeakerListener::on_routes, of bgp::kLinkState -> take() -> reports() of a policy
//
// A headend that has the key from another injector says so too: what it says is of that path.
#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "bgp/speaker.h"
#include "bgp/wire/link_state_policy.h"
#include "injector/injected_policy.h"

namespace sextant::injector {

class HeadendStates {
 public:
  /// `self`: the BGP identifier under which policies are injected.
  explicit HeadendStates(Ipv4Address self) : self_(self) {}

  /// The policies of which headends say something else now.
  std::set<PolicyKey> take(const bgp::Rib& rib, std::span<const bgp::RouteChange> changes);
  /// In the order of the headends' identifiers; empty where none says anything.
  [[nodiscard]] std::vector<HeadendReport> reports(const PolicyKey& key) const;

 private:
  Ipv4Address self_;
  // By policy, then by what tells candidate paths apart: the headend first.
  std::map<PolicyKey, std::map<bgp::PolicyPath, HeadendReport>> reports_;
};

/// Whether some peer tells of headends, or passes on what they tell.
[[nodiscard]] bool headends_are_heard(const std::vector<bgp::PeerInfo>& peers);

/// One headend's word on a path, for `self`.
[[nodiscard]] HeadendReport headend_report(const bgp::PolicyPath& path,
                                           const bgp::PolicyPathState& state, Ipv4Address self);

}  // namespace sextant::injector
