// The Channel of a Linux node: raw sockets to send by, a packet socket that hears what crosses its
// devices. Needs CAP_NET_RAW.
#pragma once

#include <memory>

#include "base/result.h"
#include "trace/channel.h"

namespace sextant::trace {

/// For packets between `source` and `destination`, in the calling thread's network namespace; the
/// channel keeps working when the thread leaves it. `encapsulation_source` is that of outer
/// headers. The kernel hands up only ICMPv6 errors and packets between the two, so that a busy node
/// does not drown the trace.
[[nodiscard]] Result<std::unique_ptr<Channel>> open_raw_channel(
    const IpAddress& source, const IpAddress& destination, const Ipv6Address& encapsulation_source);

}  // namespace sextant::trace
