// Names of the Kubernetes API: resources (group, version, plural) and objects, and their paths.
#pragma once

#include <string>
#include <string_view>

namespace sextant::kube {

/// "" / "v1" / "nodes", "sextant.dev" / "v1alpha1" / "srv6nodes"
struct Resource {
  std::string group;  // empty: core
  std::string version;
  std::string plural;

  friend auto operator<=>(const Resource&, const Resource&) = default;
};

struct ObjectRef {
  Resource resource;
  std::string ns;  // empty: cluster-scoped
  std::string name;

  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
};

/// "v1", "sextant.dev/v1alpha1": an object's apiVersion
[[nodiscard]] std::string api_version(const Resource& resource);
/// "nodes", "srv6nodes.sextant.dev": as in RBAC and `kubectl get`
[[nodiscard]] std::string to_string(const Resource& resource);
/// "nodes n1", "configmaps calico-vpp-dataplane/srv6-config-n1"
[[nodiscard]] std::string to_string(const ObjectRef& ref);

/// "/api/v1/namespaces/kube-system/pods"; `ns` empty: of all namespaces, or cluster-scoped.
[[nodiscard]] std::string collection_path(const Resource& resource, std::string_view ns);
/// The object's path; `subresource` ("status") may be empty.
[[nodiscard]] std::string object_path(const ObjectRef& ref, std::string_view subresource = {});
/// Appends `name=value`, percent-encoded, with the right one of `?` and `&`.
void add_query(std::string& target, std::string_view name, std::string_view value);

}  // namespace sextant::kube
