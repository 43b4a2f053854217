// What of a cluster is read, and how.
#pragma once

#include <string>

#include "sources/ipam.h"

namespace sextant::kubernetes {

/// Where the ConfigMaps of the paper, and Calico-VPP's, are.
inline constexpr auto kDefaultConfigMapNamespace = "calico-vpp-dataplane";

struct SourceSettings {
  std::string config_map_namespace = kDefaultConfigMapNamespace;
  sources::Ipam ipam = sources::Ipam::kAuto;
  /// What Calico's objects say of BGP sessions, and the Secrets of passwords that they name, out of
  /// the ConfigMaps' namespace.
  bool peering = false;
};

}  // namespace sextant::kubernetes
