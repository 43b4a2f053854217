// Which policies must be read again when a node changes: those that name it, by name, address, SID
// or a SID in its locator.
#pragma once

#include <map>
#include <set>
#include <string>

#include "overlay/directory.h"
#include "overlay/intent.h"

namespace sextant::overlay {

class Dependencies {
 public:
  /// Replaces what is known of the policy. Named segments are looked up in `nodes`.
  void set(const Policy& policy, const Directory& nodes);
  void remove(const ObjectKey& policy);
  /// Adds the policies that may see the difference between the two (null: is not there). Pod
  /// prefixes they do not see.
  void collect(const NodeFacts* before, const NodeFacts* after,
               std::set<ObjectKey>& policies) const;

 private:
  struct Keys {
    std::set<std::string> names;
    std::set<IpAddress> addresses;
    std::set<srv6::Sid> sids;
  };
  [[nodiscard]] static Keys keys_of(const Policy& policy, const Directory& nodes);

  std::map<ObjectKey, Keys> keys_;
  std::map<std::string, std::set<ObjectKey>> by_name_;   // endpoint and segments
  std::map<IpAddress, std::set<ObjectKey>> by_address_;  // endpoint
  /// Segments (does the list end at another node, or decapsulate on the way?) and binding SIDs
  /// (does a node have it, as address or SID?).
  std::map<srv6::Sid, std::set<ObjectKey>> by_sid_;
};

}  // namespace sextant::overlay
