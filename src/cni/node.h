// What each command asks of the node.
#pragma once

#include <cstdint>

#include "cni/network_config.h"
#include "cni/outcome.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::cni {

[[nodiscard]] Outcome<netlink::Socket> open_socket();

/// The pods' MTU: `mtu`, or the underlay's less the encapsulation. kTryAgainLater where no underlay
/// device is up yet.
[[nodiscard]] Outcome<std::uint32_t> choose_mtu(const NetworkConfig& config, netlink::Socket& host);

}  // namespace sextant::cni
