// What of a cluster is read, and how.
#pragma once

#include <cstdint>
#include <string>

namespace sextant::sources {

/// Where the ConfigMaps of the paper, and Calico-VPP's, are.
inline constexpr auto kDefaultConfigMapNamespace = "calico-vpp-dataplane";

/// Who allocates the pods' addresses.
enum class Ipam : std::uint8_t {
  kAuto,    // Calico where it has block affinities, else the nodes
  kNode,    // Node.spec.podCIDRs
  kCalico,  // Calico's block affinities and IPAM blocks
};

struct KubernetesSettings {
  std::string config_map_namespace = kDefaultConfigMapNamespace;
  Ipam ipam = Ipam::kAuto;
};

}  // namespace sextant::sources
