// Who allocates the pods' addresses, and so says which pod prefixes a node has.
#pragma once

#include <cstdint>

namespace sextant::sources {

enum class Ipam : std::uint8_t {
  kAuto,    // Calico while there are block affinities, else the nodes
  kNode,    // Node.spec.podCIDRs
  kCalico,  // Calico's block affinities and IPAM blocks
};

}  // namespace sextant::sources
