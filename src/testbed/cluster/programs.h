// The programs that a cluster is made of: Debian's etcd, containerd and runc, and Kubernetes' own,
// built from Debian's source package by tests/kubernetes/build-kubernetes.sh into a cache.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::cluster {

struct Programs {
  std::filesystem::path kubernetes;  // the folder with kube-apiserver, kubelet, ...
  std::filesystem::path kubectl;
  std::filesystem::path etcd;
  std::filesystem::path containerd;

  [[nodiscard]] std::string of(std::string_view name) const { return kubernetes / name; }
};

/// Looks in the folder SEXTANT_KUBERNETES, else in ${XDG_CACHE_HOME:-~/.cache}/sextant; the kubectl
/// on PATH goes before the one built. An Error names what is missing and how to get it.
[[nodiscard]] Result<Programs> find_programs();

}  // namespace sextant::cluster
