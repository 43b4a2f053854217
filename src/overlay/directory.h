// The validated nodes, found by what policies name: name, address, locator, SID.
#pragma once

#include <map>
#include <set>
#include <string>

#include "overlay/prefix_index.h"
#include "overlay/validation.h"

namespace sextant::overlay {

class Directory {
 public:
  /// Precondition of both: rulings made names, addresses and locators unique (erase old facts
  /// before putting new ones).
  void put(NodeFacts facts);
  void erase(const std::string& name);

  [[nodiscard]] const std::map<std::string, NodeFacts>& nodes() const { return nodes_; }
  [[nodiscard]] const NodeFacts* find(const std::string& name) const;
  [[nodiscard]] const NodeFacts* by_address(const IpAddress& address) const;
  /// The node in whose locator the SID lies.
  [[nodiscard]] const NodeFacts* by_locator(const srv6::Sid& sid) const;
  /// A node that has the SID; the first by name, since routers may share an (anycast) End SID.
  [[nodiscard]] const NodeFacts* by_sid(const srv6::Sid& sid) const;

 private:
  std::map<std::string, NodeFacts> nodes_;
  std::map<IpAddress, std::string> by_address_;
  PrefixIndex<std::string> by_locator_;
  std::map<srv6::Sid, std::set<std::string>> by_sid_;
};

}  // namespace sextant::overlay
