// The names of this node's pods, from what the container runtime's CNI library keeps of each
// attachment (libcni's cache: containerd and CRI-O both have it).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::cli {

struct PodName {
  std::string name;  // "default/web-0", or a testbed's "pod-master-1"
  std::vector<IpAddress> addresses;
  friend bool operator==(const PodName&, const PodName&) = default;
};

inline constexpr std::string_view kCniCache = "/var/lib/cni/results";

/// One file of the cache; none where it is not one, or names no pod.
[[nodiscard]] std::optional<PodName> read_cached_attachment(const std::string& text);
/// Sorted; empty where there is no such folder. Files that cannot be read are left out.
[[nodiscard]] std::vector<PodName> list_pod_names(const std::filesystem::path& cache);

/// The address of the pod that `text` names, as "namespace/name" or by a name that is unique; of
/// `family`, or its first. None where no pod is called so. Errors: an ambiguous name, or no address
/// of that family.
[[nodiscard]] Result<std::optional<IpAddress>> pod_address(const std::vector<PodName>& pods,
                                                           const std::string& text,
                                                           std::optional<Family> family);
/// Empty where no pod has the address.
[[nodiscard]] std::string pod_name(const std::vector<PodName>& pods, const IpAddress& address);

}  // namespace sextant::cli
