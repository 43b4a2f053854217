// Waiting for a state of the kernel, woken by its events instead of by a clock.
#pragma once

#include <linux/rtnetlink.h>

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

/// Asks `reached` at once and after every event of `group`, until it says yes or fails. Works in
/// the calling thread's namespace. Error with ETIMEDOUT after `limit`; `operation` and `object`
/// name it.
[[nodiscard]] Result<void> await_state(const std::string& operation, const std::string& object,
                                       rtnetlink_groups group, std::chrono::milliseconds limit,
                                       const std::function<Result<bool>(Socket& socket)>& reached);

}  // namespace sextant::netlink
