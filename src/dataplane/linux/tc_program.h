// A BPF program at the clsact qdisc of a device (tc, direct action), under Sextant's priority and
// handle. Other filters there are left alone; they run before or after by their priority.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

enum class TcHook : std::uint8_t { kIngress, kEgress };

/// Of a program that the kernel has: its instructions' hash, and those of its maps that are
/// Sextant's by their name (`sx_...`); a program's constants are another map.
struct BpfProgram {
  std::uint64_t tag = 0;
  std::map<std::string, std::uint32_t> map_ids;  // by name
  friend bool operator==(const BpfProgram&, const BpfProgram&) = default;
};
[[nodiscard]] Result<BpfProgram> describe_program(int fd);

// All of these act in the calling thread's network namespace.

/// Sextant's program there; an unset descriptor where there is none.
[[nodiscard]] Result<UniqueFd> find_tc_program(netlink::IfIndex device, TcHook hook);
/// Makes `program` be there, in one exchange; false where it was already (same instructions, same
/// maps).
[[nodiscard]] Result<bool> attach_tc_program(netlink::IfIndex device, TcHook hook, int program);
/// False where there was none. The qdisc goes too where nobody has a filter there any more.
/// `socket` is of the same namespace.
[[nodiscard]] Result<bool> detach_tc_program(netlink::Socket& socket, netlink::IfIndex device,
                                             TcHook hook);

}  // namespace sextant::dataplane
