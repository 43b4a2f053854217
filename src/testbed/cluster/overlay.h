// Sextant on the cluster, as an operator installs it: its image on each node, and deploy/ applied
// with kubectl.
#pragma once

#include <filesystem>
#include <vector>

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {

/// Archives of the images that the cluster's pods need. `given`: one of Sextant's; empty: made of
/// this build.
[[nodiscard]] Result<std::vector<std::filesystem::path>> prepare_images(
    const Plan& plan, const std::filesystem::path& given);

[[nodiscard]] Result<void> install_overlay(const Plan& plan,
                                           const std::filesystem::path& manifests);

/// Every node is Ready and has lost the taint with which it came.
[[nodiscard]] Result<void> await_overlay(const Plan& plan, std::chrono::seconds patience);

}  // namespace sextant::cluster
