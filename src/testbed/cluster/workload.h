// Kubernetes objects that a cluster starts with: pods for trying things.
#pragma once

#include <string>

#include "testbed/cluster/settings.h"

namespace sextant::cluster {

/// "demo-worker1-1"
[[nodiscard]] std::string demo_pod(std::string_view node, unsigned number);

/// `settings.pods` pods on every node, in namespace default, and the Service `demo` before them:
/// each answers on port 80 with its name. What runs there is placed by the scheduler, by the node's
/// name as a label.
[[nodiscard]] std::string demo_objects(const Settings& settings);

/// A merge patch of the Node: its pod prefixes, and the annotation with its locator.
[[nodiscard]] std::string node_patch(const Settings& settings, const testbed::ClusterNode& node);

}  // namespace sextant::cluster
