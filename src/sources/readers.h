// The readers of the single kinds. Each fills `object` from the whole object `root`; what is wrong
// goes to `fields`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/fields.h"
#include "sources/object.h"

namespace sextant::sources {

inline constexpr std::string_view kGroup = "sextant.dev";
inline constexpr std::string_view kVersion = "v1alpha1";
inline constexpr std::string_view kLocatorAnnotation = "sextant.dev/locator";
inline constexpr std::string_view kLocatorReachAnnotation = "sextant.dev/locator-reach";
/// A ConfigMap of this name and key holds a node's SIDs and policies, in the format of the paper
/// "Extending Kubernetes Networking to make use of Segment Routing over IPv6" (arXiv 2301.01178).
inline constexpr std::string_view kConfigMapPrefix = "srv6-config-";
inline constexpr std::string_view kConfigMapKey = "srv6";

/// Calico-VPP's names: of the IPPools that are nodes' locators (followed by the node's name) and
/// the pool of binding SIDs; of the ConfigMap and its key that name the prefixes of both.
inline constexpr std::string_view kLocatorPoolPrefix = "sr-localsids-pool-";
inline constexpr std::string_view kBindingSidPool = "sr-policies-pool";
inline constexpr std::string_view kCalicoVppConfig = "calico-vpp-config";
inline constexpr std::string_view kCalicoVppSrv6Key = "CALICOVPP_SRV6";

/// What Calico notes on a Node about its BGP.
inline constexpr std::string_view kAsnAnnotation = "projectcalico.org/ASNumber";
inline constexpr std::string_view kClusterIdAnnotation =
    "projectcalico.org/RouteReflectorClusterID";
inline constexpr std::string_view kIpv6Annotation = "projectcalico.org/IPv6Address";

void read_node(const Value& root, Fields& fields, Object& object);
void read_srv6_node(const Value& root, Fields& fields, Object& object);
void read_srv6_locator(const Value& root, Fields& fields, Object& object);
void read_srv6_policy(const Value& root, Fields& fields, Object& object);
void read_config_map(const Value& root, Fields& fields, Object& object);
void read_calico_vpp_config(const Value& root, Fields& fields, Object& object);
/// Calico's of BGP: see peering.h.
void read_bgp_configuration(const Value& root, Fields& fields, Object& object);
void read_bgp_peer(const Value& root, Fields& fields, Object& object);
void read_bgp_filter(const Value& root, Fields& fields, Object& object);
void read_calico_annotations(const Value& annotations, Fields& fields, Object& object);
void read_secret(const Value& root, Fields& fields, Object& object);
/// "64512:100", "64512:1:2"; none (and an error) where it is neither.
[[nodiscard]] std::optional<std::string> read_community(const Value& value, Fields& fields);
/// Of a pool of SIDs: see kLocatorPoolPrefix, kBindingSidPool.
void read_ip_pool(const Value& root, Fields& fields, Object& object);
void read_block_affinity(const Value& root, Fields& fields, Object& object);
void read_ipam_block(const Value& root, Fields& fields, Object& object);

/// Candidate paths of one object and policy: as many as derived discriminators can tell apart.
inline constexpr std::size_t kMostCandidatePaths = 256;

/// The discriminator (RFC 9256 section 2.5, 32 bits) of an object's index-th candidate path: 24
/// bits of FNV-1a over "kind/name", then 255 - index, so that of an object's equal paths the one
/// listed first wins (section 2.9 takes the higher discriminator) and the choice between objects is
/// the same on every node and after every restart.
[[nodiscard]] std::uint32_t derived_discriminator(const overlay::ObjectKey& object,
                                                  std::size_t index);

/// An address that a node can have: unicast, of global reach.
[[nodiscard]] std::optional<IpAddress> read_node_address(const Value& value, Fields& fields);

}  // namespace sextant::sources
