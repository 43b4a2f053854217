// Which prefixes the host sends into the overlay: the exact aggregate of all overlay prefixes.
//
// The gateway knows each prefix and its path; the host only needs to know that a destination is the
// overlay's. Two sibling prefixes become their parent, nothing else does, so that the set covers
// precisely the same addresses with as few routes as possible.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <set>
#include <vector>

#include "base/ip.h"

namespace sextant::dataplane {

class CaptureSet {
 public:
  struct Change {
    std::set<IpPrefix> added;    // install first,
    std::set<IpPrefix> removed;  // then remove: no address is uncovered in between
  };

  /// Both calls are idempotent and cost O(prefix length); their effect on the aggregate is
  /// collected for take_change().
  void insert(const IpPrefix& prefix);
  void erase(const IpPrefix& prefix);
  [[nodiscard]] bool contains(const IpPrefix& prefix) const {
    const auto found = full_.find(prefix);
    return found != full_.end() && found->second;
  }

  /// What happened to the aggregate since the last call.
  [[nodiscard]] Change take_change();
  /// Whether changes are collected: not worth their memory where all of aggregate() is read next.
  void collect_changes(bool wanted);
  /// The aggregate, unordered.
  [[nodiscard]] std::vector<IpPrefix> aggregate() const;

 private:
  [[nodiscard]] bool is_top(const IpPrefix& prefix) const;
  void touch(const IpPrefix& prefix);

  // Members (true), and parents whose halves are both full.
  boost::unordered_flat_map<IpPrefix, bool, std::hash<IpPrefix>> full_;
  bool collects_ = true;
  std::map<IpPrefix, bool> touched_;  // was it in the aggregate before the first touch?
};

}  // namespace sextant::dataplane
