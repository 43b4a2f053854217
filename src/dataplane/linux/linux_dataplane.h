// The Linux data plane: kernel seg6 behind a gateway namespace.
//
//   pod --- host: PREROUTING, FORWARD, POSTROUTING --- sextant0 | inner   gateway: inner packet ->
//   nexthop object underlay --- host: routing of the underlay    --- sextant1 | outer (seg6 encap),
//   local SIDs (seg6local)
//
// Encapsulation and decapsulation happen in a network namespace of Sextant's own, without netfilter
// rules, which two veth pairs join to the host. The host so sees inner packets enter and leave
// through `sextant0` like packets of any routed device: netfilter meets each exactly once, whatever
// the kernel's seg6 skips (docs/decisions/0001). Outer packets cross between `sextant1` and the
// underlay past the host's FORWARD (filter.h).
//
// Ownership: the gateway namespace whole; on the host the devices sextant0 and sextant1, routes and
// rules of protocol kSextant, the nft tables named `sextant`.
#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::dataplane {

struct LinuxOptions {
  std::size_t max_segments = 6;  // the deepest list, service SID included: fixes the pods' MTU
  srv6::EncapMode encap = srv6::EncapMode::kEncapsReduced;
};

/// A data plane of the calling thread's network namespace. Touches nothing yet. Errors: no
/// CAP_NET_ADMIN or CAP_SYS_ADMIN, a kernel without seg6.
[[nodiscard]] Result<std::unique_ptr<Dataplane>> make_linux_dataplane(const LinuxOptions& options);

}  // namespace sextant::dataplane
