// The fewest prefixes that cover exactly what a set of prefixes covers; no two of them overlap.
//
// nftables' interval sets take no overlapping elements; prefixes of the SR domain nest (a SID
// inside of a configured prefix). What lies inside another member is hidden, and siblings become
// their parent.
#pragma once

#include <set>

#include "base/ip.h"
#include "dataplane/linux/capture.h"

namespace sextant::dataplane {

class PrefixCover {
 public:
  /// Both are idempotent. Cost: what lies inside the prefix.
  void insert(const IpPrefix& prefix);
  void erase(const IpPrefix& prefix);
  [[nodiscard]] bool contains(const IpPrefix& prefix) const { return members_.contains(prefix); }

  /// What happened to the cover since the last call.
  [[nodiscard]] CaptureSet::Change take_change() { return aggregate_.take_change(); }

 private:
  [[nodiscard]] bool is_hidden(const IpPrefix& prefix) const;

  // In order, a prefix stands before what lies inside of it.
  std::set<IpPrefix> members_;
  std::set<IpPrefix> visible_;  // members inside of no other
  CaptureSet aggregate_;        // of the visible ones
};

}  // namespace sextant::dataplane
