// Who changed something, in words for an operator: from the kernel's notice of it.
//
// A notice carries the port of the netlink socket that asked for the change; /proc tells whose it
// is, as long as that process lives. A route also names its owner by protocol.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace sextant::dataplane {

/// Whether the process (its folder in /proc) has open what /proc calls `link`: "socket:[4711]".
/// False where it has ended or may not be looked at.
[[nodiscard]] bool holds_file(const std::filesystem::path& process, const std::string& link);

/// "zebra (process 812)", "the kernel", or "a process that has ended", in the calling thread's
/// network namespace.
[[nodiscard]] std::string process_of_port(std::uint32_t port);

/// "route 10.1.0.0/24 deleted by zebra (process 812)", "route 10.1.0.0/24 of protocol bird added by
/// ...": an rtnetlink notice.
[[nodiscard]] std::string describe_event(const nlmsghdr& event);

}  // namespace sextant::dataplane
