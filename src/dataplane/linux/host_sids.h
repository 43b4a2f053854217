// SIDs that the host's own routing executes: End.X chooses one adjacency of the underlay, which
// only the host has.
#pragma once

#include <map>

#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

/// seg6local routes of protocol kSextant in a table of their own, on `device` (one of Sextant's
/// own, always up). SIDs of other behaviors are the gateway's and left out. Writes only what
/// differs.
[[nodiscard]] Result<void> sync_host_sids(netlink::Socket& socket, netlink::IfIndex device,
                                          const std::map<srv6::Sid, overlay::LocalSid>& sids,
                                          ApplyReport& report);

}  // namespace sextant::dataplane
