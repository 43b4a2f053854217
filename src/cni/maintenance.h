// What concerns the network as a whole: GC and STATUS (CNI 1.1.0), and leases of pods that are
// gone.
#pragma once

#include <string>

#include "cni/invocation.h"
#include "cni/network_config.h"
#include "cni/outcome.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::cni {

/// Removes every attachment of the network that is not in `cni.dev/valid-attachments`, and its
/// lease. What fails does not keep the rest from being removed; the first error is returned.
[[nodiscard]] Outcome<std::string> collect_garbage(const Invocation& invocation,
                                                   const NetworkConfig& config);

/// Whether pods can be attached (else code 50) and reach other nodes (else code 51).
[[nodiscard]] Outcome<std::string> report_status(const Invocation& invocation,
                                                 const NetworkConfig& config);

/// Releases host-local's leases of pods that have no attachment on this node any more. Safe while
/// other pods are added: a device is made before its address is leased. Leases that another
/// plugin's device still uses are left alone.
void release_dead_leases(netlink::Socket& host, const NetworkConfig& config);

}  // namespace sextant::cni
