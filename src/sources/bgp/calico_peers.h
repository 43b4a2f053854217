// What Calico's objects say of this node's BGP: its peers, and what belongs to the speaker. Pure.
//
// As Calico itself makes sessions of them:
//   - BGPPeers without `node` and `nodeSelector` are everybody's; the others those nodes' that they
//     choose. `peerSelector` chooses nodes as peers. Who is chosen so, or by its address, peers
//     back.
//   - The mesh is between all nodes that are no route reflectors (annotation
//     RouteReflectorClusterID), unless BGPConfiguration/default says otherwise.
//   - A node with a cluster identifier reflects routes to internal peers that have another one or
//     none.
// Of several sessions with one address the first counts: the settings' own peers, then BGPPeers of
// everybody, of this node, those turned round, and the mesh.
//
// Otherwise than with Calico, nodes have one session with each other, between IPv6 addresses, for
// all families.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bgp/config.h"
#include "overlay/intent.h"
#include "sources/bgp/settings.h"
#include "sources/finding.h"
#include "sources/peering.h"

namespace sextant::bgp_source {

struct CalicoWishes {
  std::uint32_t asn = 0;
  std::optional<Ipv4Address> cluster_id;
  std::vector<bgp::ListenConfig> listen;
  std::vector<bgp::PeerConfig> peers;
  std::vector<sources::PrefixAdvertisement> advertisements;
  /// Why sessions are missing that the objects ask for.
  std::vector<sources::Finding> findings;
};

/// `nodes` are the cluster's. Precondition: settings.calico.
[[nodiscard]] CalicoWishes calico_wishes(const sources::Peering& objects,
                                         const overlay::Intent& nodes, const overlay::Node& self,
                                         const BgpSettings& settings);

}  // namespace sextant::bgp_source
