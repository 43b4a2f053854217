// The host's nftables as the data plane wants them, kept in step change by change (filter.h).
//
// The SIDs of the domain become the smallest set of disjoint prefixes that covers them, so that
// nested and shared ones are no matter to nftables, and regular locators few elements.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/linux/filter.h"
#include "dataplane/linux/prefix_cover.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

class HostFilter {
 public:
  /// `sid_sources`: see FilterInput.
  explicit HostFilter(const std::vector<IpPrefix>& sid_sources, bool nat_outgoing = false);

  // What is wanted. Nothing is written before sync() or write_changes().
  void clear_domain();
  void set_role(const IpPrefix& prefix, const std::optional<overlay::DomainRole>& role);
  void set_local_sids(const std::optional<IpPrefix>& locator,
                      const std::map<srv6::Sid, overlay::LocalSid>& sids);
  void set_uplinks(std::set<Uplink> uplinks);
  /// Of masqueraded packets; nothing where nothing is masqueraded.
  void set_outgoing_sources(std::set<OutgoingSource> sources);
  /// Null where nothing is masqueraded.
  [[nodiscard]] Masquerade* masquerade() { return masquerade_ ? &*masquerade_ : nullptr; }

  /// As of the last sync() or write_changes().
  [[nodiscard]] const FilterInput& input() const { return input_; }

  /// Reads all and writes what differs; true where something did.
  [[nodiscard]] Result<bool> sync();
  /// Writes what changed since the last call; true where something did. Cost: O(change), and what
  /// libnftables needs to know of the sets.
  [[nodiscard]] Result<bool> write_changes();

 private:
  void collect();

  FilterInput input_;  // sid_domain: as of the last collect()
  PrefixCover cover_;  // of domain_sids_ and own_sids_
  std::set<IpPrefix> domain_sids_, own_sids_;
  std::map<std::string, SetChange> changes_;
  std::vector<std::string> sets_;  // there since the last sync(): "ip6 sextant sid_domain"
  bool rules_changed_ = true;
  std::optional<Masquerade> masquerade_;
};

}  // namespace sextant::dataplane
