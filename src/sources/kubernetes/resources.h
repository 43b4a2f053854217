// The resources of the API that agents write or follow, and the names that Sextant gives there.
#pragma once

#include <string>

#include "kube/resource.h"

namespace sextant::kubernetes {

inline const kube::Resource kNodes{"", "v1", "nodes"};
inline const kube::Resource kNamespaces{"", "v1", "namespaces"};
inline const kube::Resource kDaemonSets{"apps", "v1", "daemonsets"};
inline const kube::Resource kSrv6Nodes{"sextant.dev", "v1alpha1", "srv6nodes"};
inline const kube::Resource kSrv6Policies{"sextant.dev", "v1alpha1", "srv6policies"};
inline const kube::Resource kSrv6Locators{"sextant.dev", "v1alpha1", "srv6locators"};

inline constexpr auto kAgentFieldManager = "sextant-agent";
inline constexpr auto kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr auto kManagedBy = "sextant";
/// On SRv6Nodes that Sextant made, for as long as their spec is empty: they say nothing to other
/// nodes, which leave them out of their watch by the selector kNotStatusOnly (see write_pace.h).
inline constexpr auto kStatusOnlyLabel = "sextant.dev/status-only";
inline constexpr auto kNotStatusOnly = "!sextant.dev/status-only";

/// On a node's own SRv6Node: when its agent began. Written for the version that it makes: see
/// KubernetesSource::forwarding_stands().
inline constexpr auto kAgentStartedAnnotation = "sextant.dev/agent-started";

}  // namespace sextant::kubernetes
