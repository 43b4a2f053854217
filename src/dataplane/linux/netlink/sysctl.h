// Kernel parameters below /proc/sys (or $SEXTANT_PROC_SYS), by their dotted or slashed name. net.*
// are those of the calling thread's network namespace: use Netns::run for another one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::netlink {

/// "net/ipv6/conf/eth0/forwarding" or "net.ipv6.conf.all.forwarding". A device name with a dot
/// needs slashes. Errors: errno_value ENOENT where the kernel does not have it. Without the line's
/// end.
[[nodiscard]] Result<std::string> read_sysctl(std::string_view name);
/// Writes nothing where it has that value already; true where it wrote.
[[nodiscard]] Result<bool> write_sysctl(std::string_view name, std::string_view value);

}  // namespace sextant::netlink
