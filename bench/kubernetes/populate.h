// Fills an API server with a cluster's objects, by many connections at once.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "kubernetes/api.h"
#include "kubernetes/objects.h"

namespace sextant::bench {

/// Nodes (0 too), SRv6Nodes with status for all but node 0, SRv6Policies. Throws.
void populate(const ApiAccess& access, const ClusterSize& size);

/// Calls `each` for 0 to `count` - 1, by some threads that have a connection each. Throws what one
/// of them threw, after all have ended.
void in_parallel(const ApiAccess& access, std::size_t count,
                 const std::function<void(Api& api, std::size_t index)>& each);

/// For server-side apply.
[[nodiscard]] std::string srv6_node_status_path(std::size_t node);

inline constexpr const char* kNodesPath = "/api/v1/nodes";
inline constexpr const char* kSrv6NodesPath = "/apis/sextant.dev/v1alpha1/srv6nodes";
inline constexpr const char* kLeasesPath =
    "/apis/coordination.k8s.io/v1/namespaces/sextant-system/leases";
inline constexpr const char* kPoliciesPath = "/apis/sextant.dev/v1alpha1/srv6policies";

}  // namespace sextant::bench
