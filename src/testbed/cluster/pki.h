// The cluster's certificates and kubeconfigs, made by openssl: one authority, one key a user.
#pragma once

#include "base/result.h"
#include "testbed/cluster/settings.h"

namespace sextant::cluster {

/// Users with a kubeconfig besides the nodes: "admin" and the control plane's programs.
inline constexpr const char* kAdmin = "admin";

/// "node-worker1"
[[nodiscard]] std::string node_user(std::string_view node);

/// Makes what is missing, so a later call keeps what is in use.
[[nodiscard]] Result<void> make_credentials(const Places& places, const Settings& settings);

}  // namespace sextant::cluster
