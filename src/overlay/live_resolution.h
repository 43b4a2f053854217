// A resolution kept up to date: what Resolver is made of.
//
// Flow of one change: nodes -> rulings -> facts -> policies that see the difference -> policies by
// (endpoint, color) -> parts of the nodes concerned. Each stage hands on only what became another
// value, so the cost follows the change. The functions that read one object are those that
// resolve() uses.
//
// The whole is done again only where this node itself starts or ceases to be a headend, or its
// labels change.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "overlay/claims.h"
#include "overlay/dependencies.h"
#include "overlay/directory.h"
#include "overlay/domain.h"
#include "overlay/headend_index.h"
#include "overlay/policies.h"
#include "overlay/resolver.h"
#include "overlay/steering.h"

namespace sextant::overlay {

class LiveResolution {
 public:
  explicit LiveResolution(Settings settings);
  LiveResolution(const LiveResolution&) = delete;  // parts point into one another
  LiveResolution& operator=(const LiveResolution&) = delete;

  ForwardingDiff apply(const IntentChange& change);

  [[nodiscard]] const Intent& intent() const { return intent_; }
  [[nodiscard]] const Forwarding& forwarding() const { return forwarding_; }
  [[nodiscard]] const PolicyTable& policies() const { return policies_; }
  [[nodiscard]] std::vector<Problem> problems() const;
  [[nodiscard]] Incumbents incumbents() const;

 private:
  /// What one change has made out of date so far.
  struct Work {
    std::set<std::string> nodes;       // objects that changed
    std::set<std::string> parts;       // nodes whose part must be made again
    std::set<ObjectKey> objects;       // policy objects to be read again
    std::set<srv6::Sid> binding_sids;  // whose claimants changed
    std::set<PolicyId> policies;       // to be evaluated again
    std::set<IpPrefix> domain;         // whose users changed
  };
  /// Which entries of forwarding_ are a node's part: keys only, because there may be very many.
  struct Footprint {
    std::vector<srv6::Sid> local_sids;
    std::vector<PathKey> paths;
    std::vector<RouteKey> routes;
    std::vector<IpPrefix> locator_routes;
    std::vector<PathKey> steered;
  };
  [[nodiscard]] static Footprint footprint_of(const NodePart& part);
  using SidMap = std::map<srv6::Sid, LocalSid>;
  struct Enrolled {
    PolicyId policy;
    std::optional<srv6::Sid> binding_sid;
  };

  void take_nodes(const IntentChange& change, Work& work);
  void take_policies(const IntentChange& change, Work& work);
  void take_sid_prefixes(const IntentChange& change, Work& work);
  void settle_nodes(Work& work);
  void refresh_headend(Work& work);
  void read_objects(Work& work);
  void withdraw(const ObjectKey& object, Work& work);
  void enroll(const Policy& object, const PolicyId& policy, Work& work);
  void settle_binding_sids(Work& work);
  void evaluate_policy(const PolicyId& id, Work& work);
  void leave_domain(const DomainShare& share, Work& work);
  void join_domain(const DomainShare& share, Work& work);
  [[nodiscard]] NodePart part_of(const std::string& name) const;
  [[nodiscard]] ForwardingDiff rebuild(const Work& work);

  Settings settings_;
  Intent intent_;

  LiveRulings rulings_;
  Directory nodes_;
  Headend headend_;
  HeadendIndex headends_{intent_.nodes};
  Dependencies dependencies_;
  DomainUses domain_;

  std::map<ObjectKey, Enrolled> enrolled_;  // objects that apply here
  std::map<PolicyId, std::set<ObjectKey>> members_;
  std::map<srv6::Sid, std::set<ObjectKey>> binding_sid_claims_;
  std::map<srv6::Sid, BindingSidOwner> binding_sid_owners_;

  // What each stage came to.
  PolicyTable policies_;
  std::map<PolicyId, SidMap> policy_sids_;
  std::map<std::string, Footprint> footprints_;  // by node
  Forwarding forwarding_;

  std::vector<Problem> headend_problems_;
  std::map<std::string, std::vector<Problem>> node_problems_;
  std::map<ObjectKey, std::vector<Problem>> object_problems_;
  std::map<PolicyId, std::set<Problem>> policy_problems_;
};

}  // namespace sextant::overlay
