// The classic BPF program of the trace's packet socket: on a busy node, the kernel itself throws
// away what is not about the trace.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/ip.h"

namespace sextant::trace {

/// For packets that begin with their IP header (SOCK_DGRAM). Passes ICMPv6 errors; packets between
/// the two addresses, encapsulated or not; and ICMP to `source`. It compares the last four bytes of
/// addresses only: read_sighting() looks closer.
[[nodiscard]] std::vector<sock_filter> capture_filter(const IpAddress& source,
                                                      const IpAddress& destination);

}  // namespace sextant::trace
