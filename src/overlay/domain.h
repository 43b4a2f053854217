// Who brings what into the SR domain (RFC 8754 section 5): SIDs of nodes, routers and policies,
// prefixes that the configuration or an object names, and the addresses of nodes and routers.
//
// Every policy's segments and binding SIDs count, whichever headend it is for and whether it is
// valid here: a SID that somebody means to use is closed to pods.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "overlay/forwarding.h"
#include "overlay/intent.h"
#include "overlay/resolver.h"
#include "overlay/validation.h"

namespace sextant::overlay {

/// What one object brings.
struct DomainShare {
  std::set<IpPrefix> sids;
  std::set<IpPrefix> sources;
};

[[nodiscard]] DomainShare domain_share(const NodeFacts& node);
[[nodiscard]] DomainShare domain_share(const Policy& policy);
[[nodiscard]] DomainShare domain_share(const IpPrefix& sid_prefix);
[[nodiscard]] DomainShare domain_share(const Settings& settings);

/// How many objects bring each prefix: routers share anycast SIDs, policies share segments.
class DomainUses {
 public:
  void add(const DomainShare& share);
  void remove(const DomainShare& share);
  /// What the prefix is now; none: nothing in the domain.
  [[nodiscard]] std::optional<DomainRole> role(const IpPrefix& prefix) const;
  [[nodiscard]] std::map<IpPrefix, DomainRole> roles() const;

 private:
  struct Uses {
    std::size_t sids = 0, sources = 0;
  };
  std::map<IpPrefix, Uses> uses_;
};

}  // namespace sextant::overlay
