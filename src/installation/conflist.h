// The network configuration of `sextant-cni` (docs/reference-cni.md) for one node.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/ip.h"

namespace sextant::installation {

struct NetworkList {
  std::string network = "sextant";
  std::vector<IpPrefix> pod_prefixes;  // of one family: one pool
  std::size_t max_segments = 6;
  bool port_map = true;   // hostPort
  bool bandwidth = true;  // the annotations kubernetes.io/ingress-bandwidth, egress-bandwidth
};

/// JSON, for people to read too. A pod gets one address a family: all prefixes of a family are one
/// pool.
[[nodiscard]] std::string network_list(const NetworkList& list);

}  // namespace sextant::installation
