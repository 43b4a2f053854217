// Kubernetes objects -> Intent: keeps the objects by kind and name, and gives the difference that a
// change of some of them makes. Its cost follows the change.
//
// Several objects may speak of one overlay node. A Node or an SRv6Node makes it exist, a ConfigMap
// or an SRv6Locator only adds to it:
//   labels        of all; an SRv6Node's value wins
//   addresses     an SRv6Node's first (so that it can name the endpoint), then the Node's
//   locator,      the SRv6Node's, else the Node's annotations, else the SRv6Locator's
//   locator reach
//   SIDs          the ConfigMap's, else the SRv6Node's
//   pod prefixes  of all
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/object.h"

namespace sextant::sources {

class IntentStore {
 public:
  /// Puts an object in the place of the one with this key; null removes it. Precondition: the
  /// object is usable.
  void set(const overlay::ObjectKey& key, std::shared_ptr<const Object> object);

  /// What the calls of set() since the last call mean; intent() has it applied.
  [[nodiscard]] overlay::IntentChange take_change();

  [[nodiscard]] const overlay::Intent& intent() const { return intent_; }
  /// Contradictions between objects that speak of one node; as of the last take_change().
  [[nodiscard]] const std::map<std::string, std::vector<Finding>>& findings() const {
    return findings_;
  }

 private:
  using Parts = std::map<overlay::ObjectKey, std::shared_ptr<const Object>>;

  [[nodiscard]] std::optional<overlay::Node> merge(const std::string& name,
                                                   std::vector<Finding>& findings) const;

  std::map<overlay::ObjectKey, std::shared_ptr<const Object>> objects_;
  std::map<std::string, Parts> parts_;                    // by the node's name
  std::map<std::string, std::vector<Finding>> findings_;  // by the node's name
  std::set<std::string> touched_nodes_;
  overlay::IntentChange change_;  // of the policies
  overlay::Intent intent_;
};

}  // namespace sextant::sources
