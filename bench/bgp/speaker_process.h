// The codec and the routing information base behind plain sockets: a process that reflects between
// its clients, as the daemons do. Sessions are taken as they come: no timers and no state machine,
// which cost nothing while a feed is on its way.
#pragma once

#include <cstddef>

#include "bgp/wire/family.h"

namespace sextant::bench {

/// Runs until it is killed. Exit status.
[[nodiscard]] int run_speaker(bgp::Family family, std::size_t clients);

}  // namespace sextant::bench
