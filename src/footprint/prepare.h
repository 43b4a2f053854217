// What must be made with full privileges before an agent in a container can do with a few: the
// gateway's network namespace, named in the node's /run/netns.
//
// The name is a mount. One that is made in a container reaches the node only where the container's
// /run/netns has the mount propagation `Bidirectional`, which Kubernetes grants to privileged
// containers alone. Without it the namespace would end with the container, and with it forwarding.
#pragma once

#include <string>

#include "base/result.h"

namespace sextant::footprint {

struct Prepared {
  std::string gateway;  // the namespace's name
  bool made = false;
};

/// Does nothing where it is there already. Error: no SRv6 in this kernel, too few privileges, or
/// the mount would not reach the node.
[[nodiscard]] Result<Prepared> prepare_node();

/// Whether mounts made below the mount point `path` stay in this mount namespace, by the text of
/// /proc/self/mountinfo. No mount point: false, they are where `path` is.
[[nodiscard]] bool keeps_mounts(const std::string& mountinfo, const std::string& path);

}  // namespace sextant::footprint
