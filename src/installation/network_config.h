// The container runtime's network configuration, written once this node forwards: from then on the
// runtime has a network, and kubelet says that the node is Ready.
//
// It lies beside the agent's socket, where a reboot takes it away, and the runtime's folder has a
// link to it: a node that has just booted is not Ready before the agent is at work again.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/ip.h"
#include "installation/cni_install.h"

namespace sextant::installation {

class NetworkConfig {
 public:
  /// `folder`: the runtime's; `socket`: the agent's.
  NetworkConfig(const std::filesystem::path& folder, const std::filesystem::path& socket,
                std::size_t max_segments);

  /// With the node's own pod prefixes; none: what is there stays. False: to be tried again; the log
  /// says why, once.
  bool publish(const std::vector<IpPrefix>& pod_prefixes);

 private:
  CniPlaces places_;
  std::size_t max_segments_;
  std::vector<IpPrefix> published_;
  std::string told_;
};

}  // namespace sextant::installation
