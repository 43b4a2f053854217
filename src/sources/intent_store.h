// Kubernetes objects -> Intent: keeps the objects by kind and name, and gives the difference that a
// change of some of them makes. Its cost follows the change.
//
// Several objects may speak of one overlay node. A Node or an SRv6Node makes it exist, others only
// add to it:
//   labels        of all; an SRv6Node's value wins
//   addresses     an SRv6Node's first (so that it can name the endpoint), then the Node's
//   locator,      the SRv6Node's, else the Node's annotations, else of Calico's IPPool
//   locator reach sr-localsids-pool-NODE, else the SRv6Locator's
//   SIDs          the ConfigMap's, else the SRv6Node's
//   pod prefixes  the SRv6Node's; and the Node's, or where Calico allocates its block affinities
//                 and the addresses lent by other nodes' blocks, which never are in a pool of SIDs
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "overlay/prefix_index.h"
#include "sources/finding.h"
#include "sources/ipam.h"
#include "sources/object.h"

namespace sextant::sources {

class IntentStore {
 public:
  explicit IntentStore(Ipam ipam = Ipam::kAuto) : ipam_(ipam) {}

  /// Puts an object in the place of the one with this key; null removes it. Precondition: the
  /// object is usable.
  void set(const overlay::ObjectKey& key, std::shared_ptr<const Object> object);

  /// What the calls of set() since the last call mean; intent() has it applied.
  [[nodiscard]] overlay::IntentChange take_change();

  [[nodiscard]] const overlay::Intent& intent() const { return intent_; }
  /// What they say of BGP, as of the last set().
  [[nodiscard]] const Peering& peering() const { return peering_; }
  /// Who allocates, as of the last take_change(): kNode or kCalico.
  [[nodiscard]] Ipam ipam() const { return calico_ ? Ipam::kCalico : Ipam::kNode; }
  /// The object that the node's locator comes from; an empty key where it has none.
  [[nodiscard]] overlay::ObjectKey locator_object(const std::string& node) const;
  /// Contradictions between objects that speak of one node; as of the last take_change().
  [[nodiscard]] const std::map<std::string, std::vector<Finding>>& findings() const {
    return findings_;
  }

 private:
  using Parts = std::map<overlay::ObjectKey, std::shared_ptr<const Object>>;

  void enter(const std::shared_ptr<const Object>& object);
  void leave(const Object& object);
  void settle_ipam();
  [[nodiscard]] std::optional<overlay::Node> merge(const std::string& name,
                                                   std::vector<Finding>& findings) const;
  void add_blocks(const std::string& name, const Parts& parts, overlay::Node& node) const;
  [[nodiscard]] bool holds_sids(const IpPrefix& prefix) const;

  std::map<overlay::ObjectKey, std::shared_ptr<const Object>> objects_;
  std::map<std::string, Parts> parts_;                    // by the node's name
  std::map<std::string, std::vector<Finding>> findings_;  // by the node's name
  overlay::PrefixIndex<std::size_t> sid_prefixes_;        // how many objects name them
  std::size_t block_affinities_ = 0;                      // in force
  Ipam ipam_;
  bool calico_ = false;
  bool pools_changed_ = false;  // so any node may have other blocks
  std::set<std::string> touched_nodes_;
  overlay::IntentChange change_;  // of all but nodes
  overlay::Intent intent_;
  Peering peering_;
};

}  // namespace sextant::sources
