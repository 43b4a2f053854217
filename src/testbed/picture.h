// The full testbed as one SVG, with the paths that packets were seen to take.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "testbed/pods.h"
#include "testbed/topology.h"

namespace sextant::testbed {

/// A path through the picture, as captured.
struct PicturePath {
  std::vector<std::string>
      machines;        // "pod-master-1", "master", "r3", ..., "worker2", "pod-worker2-1"
  std::string title;   // "before the edit"
  std::string detail;  // "IPv4 and IPv6, 1024 packets"
};

/// `paths`: at most two, told apart by color. Machines without a place in the picture are left out.
[[nodiscard]] std::string draw(const Topology& lab, const std::vector<Pod>& pods,
                               const std::vector<PicturePath>& paths);

}  // namespace sextant::testbed
