// Sockets that belong to another network namespace: they stay there whoever uses them.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::testbed {

/// socket(domain, type, protocol) inside `netns`: a name below /run/netns, a path, or empty for the
/// caller's own.
[[nodiscard]] Result<UniqueFd> socket_in_netns(const std::string& netns, int domain, int type,
                                               int protocol);

}  // namespace sextant::testbed
