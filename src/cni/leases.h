// The leases of host-local, which remembers them in files and forgets none by itself: after a
// reboot the containers are gone and their addresses still count as taken.
//
//   dataDir/NETWORK/172.16.0.2      "CONTAINERID\r\nIFNAME"
//   dataDir/NETWORK/lock            flock(2): held by host-local while it looks and writes
//
// Releasing the stale ones needs one lock here; host-local's own DEL would be run once a lease.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "cni/network_config.h"

namespace sextant::cni {

struct Lease {
  IpAddress address;
  /// Nothing where the file does not say: a full disk or a power cut can leave it empty, and then
  /// no DEL ever finds it. `ifname` is empty in files of old versions.
  std::optional<Owner> owner;
};

/// Every lease in `folder` for which `is_stale` says yes is released, under host-local's lock.
/// Returns those that were. A folder that is not there holds none. Goes on after an error and
/// returns the first one.
[[nodiscard]] Result<std::vector<Lease>> release_leases(
    const std::string& folder, const std::function<bool(const Lease&)>& is_stale);

}  // namespace sextant::cni
