// A daemon's work over real sessions: what two peers feed it, what its clients hear.
#pragma once

#include <functional>
#include <string>

#include "bgp/daemon.h"
#include "bgp/feed.h"

namespace sextant::bench {

/// A figure as soon as there is one: a daemon that fails later has had this.
///
///   receive     ms: from the first byte until the daemon rests again
///   processor   ms of processor time for it
///   memory      MB, the daemon's whole at most until then
///   withdraw    ms: until a client that was told all has lost the last route
///   reflect-10  ms: from the first byte of two feeds until ten clients have every route
using Note = std::function<void(const std::string& what, double value)>;

/// All of these but the last. Throws where the daemon ends, ends a session, or takes too long.
void measure_table(DaemonKind kind, const Feed& first, const Feed& second, const Note& note);
/// The last. Throws likewise.
void measure_reflection(DaemonKind kind, const Feed& first, const Feed& second, const Note& note);

}  // namespace sextant::bench
