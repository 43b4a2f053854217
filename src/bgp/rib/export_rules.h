// What a peer is told of a route, if anything: RFC 4271 sections 5.1 and 9.1.3, RFC 4456 (route
// reflection), RFC 1997 (well-known communities), RFC 6793 (two-byte peers).
//
// Peers with equal rules form a group: what goes out is encoded once for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bgp/rib/rib.h"
#include "bgp/rib/route_filter.h"
#include "bgp/wire/family.h"
#include "bgp/wire/message.h"
#include "bgp/wire/next_hop.h"

namespace sextant::bgp {

struct ExportRules {
  Family family;
  bool internal = true;         // iBGP
  bool reflect_client = false;  // RFC 4456; internal peers
  /// This speaker's address towards the peers: next hop of what external peers are told, except
  /// where keep_next_hop says otherwise, and of all routes with next_hop_self.
  NextHop self;
  bool next_hop_self = false;  // internal peers; of routes that are not reflected
  bool keep_next_hop =
      false;  // external peers (RFC 4271 section 5.1.3, third party; VPN, SR Policy)
  /// The peer takes IPv6 next hops for this family of IPv4 (RFC 8950). Without it, routes that have
  /// one are kept from it.
  bool extended_next_hop = false;
  bool four_octet_as = true;
  std::size_t message_limit = kMaxMessage;
  std::shared_ptr<const RouteFilter> filter = {};

  friend bool operator==(const ExportRules& a, const ExportRules& b);
};

/// Whether a path with these attributes is for peers with these rules at all, filters and split
/// horizon aside.
[[nodiscard]] bool may_export(const Rib& rib, const ExportRules& rules, const Path& path);

/// What is sent with a path's NLRI.
struct ExportedSet {
  std::vector<std::uint8_t> block;  // for UpdateWriter::begin
  NextHop next_hop;
};
/// Precondition: may_export.
[[nodiscard]] ExportedSet export_set(const Rib& rib, const ExportRules& rules, const Path& path,
                                     Attributes attributes);

/// Why peers with these rules are not told of a destination's best path: rules, filter, size;
/// empty: they are, split horizon aside.
[[nodiscard]] std::string kept_back(const Rib& rib, const ExportRules& rules, const RouteKey& key);

}  // namespace sextant::bgp
