// A daemon's work over real sessions: what two peers feed it, what its clients hear.
#pragma once

#include "bgp/daemon.h"
#include "bgp/feed.h"

namespace sextant::bench {

struct SessionCosts {
  double receive = 0;    // ms: from the first byte until the daemon rests again
  double processor = 0;  // ms of processor time for it
  double memory = 0;     // MB, the daemon's whole at most until then
  double withdraw = 0;   // ms: until a client that was told all has lost the last route
};
/// Throws where a client does not hear of every route, or not of every withdrawal.
[[nodiscard]] SessionCosts measure_table(DaemonKind kind, const Feed& first, const Feed& second);

/// ms: from the first byte of two feeds until ten clients have every route.
[[nodiscard]] double measure_reflection(DaemonKind kind, const Feed& first, const Feed& second);

}  // namespace sextant::bench
