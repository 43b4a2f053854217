#include "cni/node.h"

#include "dataplane/linux/netlink/mtu.h"

namespace sextant::cni {

Outcome<netlink::Socket> open_socket() {
  auto socket = netlink::Socket::make();
  if (!socket) return refuse(ErrorCode::kNetwork, "cannot talk to the kernel", socket.error());
  return std::move(*socket);
}

Outcome<std::uint32_t> choose_mtu(const NetworkConfig& config, netlink::Socket& host) {
  if (config.mtu) return *config.mtu;
  const auto underlay = netlink::underlay_mtu(host);
  // The node's network may still be on its way up.
  if (!underlay) {
    return refuse(ErrorCode::kTryAgainLater, "no MTU for the pod", underlay.error());
  }
  return netlink::pod_mtu(*underlay, config.max_segments);
}

}  // namespace sextant::cni
