// What rtnetlink messages of others mean for what Sextant owns, as far as the message alone says.
#pragma once

#include <linux/netlink.h>

namespace sextant::dataplane {

/// Of the gateway's namespace, in which nobody else has any business.
[[nodiscard]] bool is_gateway_damage(const nlmsghdr& event);
/// Of host or gateway: a tc filter or queueing discipline went, perhaps with a program of ours.
[[nodiscard]] bool may_remove_program(const nlmsghdr& event);

}  // namespace sextant::dataplane
